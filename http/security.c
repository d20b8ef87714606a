/* Who may speak to the server; see security.h. */
#include "http/security.h"

#include "storage/base/hash.h"

#include <crypt.h>
#include <pthread.h>

enum { KNOWN_MAX = 256, CREDENTIALS_MAX = 1024 };

/* What an unknown name's password is compared with: the hash of nothing in particular, of the usual cost. */
static const char nobody[] = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

struct security {
    struct hash_secret secret; /* constant */
    pthread_mutex_t mutex;
    /* guarded by mutex */
    struct arena arena;
    struct web_user *users;
    size_t user_count;
    struct web_header *headers;
    size_t header_count;
    hash128 known[KNOWN_MAX]; /* headers that were checked; the oldest is overwritten */
    size_t known_count, known_next;
    uint64_t generation; /* of the configuration */
};

struct security *security_new(void)
{
    struct security *security = memory_zalloc(sizeof *security);

    hash_secret_make(&security->secret);
    arena_init(&security->arena, NULL);
    pthread_mutex_init(&security->mutex, NULL);
    return security;
}

void security_free(struct security *security)
{
    if (!security) return;
    arena_release(&security->arena);
    pthread_mutex_destroy(&security->mutex);
    free(security);
}

void security_set(struct security *security, const struct web_config *config)
{
    pthread_mutex_lock(&security->mutex);
    arena_release(&security->arena);
    security->users = arena_array(&security->arena, struct web_user, config->user_count);
    security->headers = arena_array(&security->arena, struct web_header, config->header_count);
    for (size_t i = 0; i < config->user_count; i++) {
        security->users[i].name = arena_copy_str(&security->arena, config->users[i].name);
        security->users[i].hash = arena_copy_str(&security->arena, config->users[i].hash);
    }
    for (size_t i = 0; i < config->header_count; i++) {
        security->headers[i].name = arena_copy_str(&security->arena, config->headers[i].name);
        security->headers[i].value = arena_copy_str(&security->arena, config->headers[i].value);
    }
    security->user_count = config->user_count;
    security->header_count = config->header_count;
    security->known_count = security->known_next = 0;
    security->generation++;
    pthread_mutex_unlock(&security->mutex);
}

static bool is_known_locked(const struct security *security, hash128 hash)
{
    for (size_t i = 0; i < security->known_count; i++) {
        if (hash128_equal(security->known[i], hash)) return true;
    }
    return false;
}

static bool cut_scheme(str *authorization)
{
    str rest = *authorization;
    bool is_basic = str_equal_ignore_case(str_cut(&rest, ' '), STR("Basic"));

    *authorization = str_trim(rest);
    return is_basic && authorization->len && authorization->len <= CREDENTIALS_MAX;
}

enum security_verdict security_look(struct security *security, str authorization)
{
    enum security_verdict verdict = SECURITY_CHECK;

    pthread_mutex_lock(&security->mutex);
    if (security->user_count == 0) {
        verdict = SECURITY_PASS;
    } else if (!cut_scheme(&authorization)) {
        verdict = SECURITY_REFUSE;
    } else if (is_known_locked(security, hash_keyed(&security->secret, authorization.data, authorization.len))) {
        verdict = SECURITY_PASS;
    }
    pthread_mutex_unlock(&security->mutex);
    return verdict;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes into `out`, terminated; false if it is no base64. */
static bool decode_base64(str text, char out[CREDENTIALS_MAX], size_t *len)
{
    uint32_t bits = 0;
    unsigned count = 0;

    *len = 0;
    while (text.len && text.data[text.len - 1] == '=') text.len--;
    for (size_t i = 0; i < text.len; i++) {
        int digit = base64_digit(text.data[i]);
        if (digit < 0) return false;
        bits = bits << 6 | (uint32_t)digit;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        out[(*len)++] = (char)(bits >> count & 0xFF);
    }
    out[*len] = 0;
    return true;
}

/* Compares all bytes, whatever the first ones say. */
static bool same_hash(const char *a, const char *b)
{
    size_t len = strlen(a);
    unsigned char difference = 0;

    if (len != strlen(b)) return false;
    for (size_t i = 0; i < len; i++) difference |= (unsigned char)a[i] ^ (unsigned char)b[i];
    return difference == 0;
}

static bool password_fits(const char *password, const char *hash)
{
    struct crypt_data *data = memory_zalloc(sizeof *data);
    const char *computed = crypt_r(password, hash, data);
    bool fits = computed && computed[0] != '*' && same_hash(computed, hash);

    explicit_bzero(data, sizeof *data);
    free(data);
    return fits;
}

/* The hash of a user's password, and whether there is that user. */
static bool find_hash(struct security *security, str name, char out[128], uint64_t *generation)
{
    bool found = false;

    memcpy(out, nobody, sizeof nobody);
    pthread_mutex_lock(&security->mutex);
    for (size_t i = 0; i < security->user_count; i++) {
        const struct web_user *user = &security->users[i];
        if (!str_equal(user->name, name) || user->hash.len >= 128) continue;
        memcpy(out, user->hash.data, user->hash.len + 1);
        found = true;
    }
    *generation = security->generation;
    pthread_mutex_unlock(&security->mutex);
    return found;
}

bool security_check(struct security *security, str authorization)
{
    char text[CREDENTIALS_MAX], hash[128];
    size_t len;
    uint64_t generation;

    if (!cut_scheme(&authorization) || !decode_base64(authorization, text, &len)) return false;
    str password = str_make(text, len), name = str_cut(&password, ':');
    if (name.len == len || memchr(text, 0, len)) return false;
    bool exists = find_hash(security, name, hash, &generation);
    bool passes = password_fits(password.data, hash) && exists;
    explicit_bzero(text, sizeof text);
    if (!passes) return false;
    pthread_mutex_lock(&security->mutex);
    if (security->generation == generation) {
        security->known[security->known_next] = hash_keyed(&security->secret, authorization.data, authorization.len);
        security->known_next = (security->known_next + 1) % KNOWN_MAX;
        if (security->known_count < KNOWN_MAX) security->known_count++;
    }
    pthread_mutex_unlock(&security->mutex);
    return true;
}

void security_put_headers(struct security *security, struct response *response)
{
    pthread_mutex_lock(&security->mutex);
    for (size_t i = 0; i < security->header_count; i++) {
        const char *name = arena_copy_str(response->arena, security->headers[i].name).data;
        response_header(response, name, security->headers[i].value);
    }
    pthread_mutex_unlock(&security->mutex);
}
