/* The real file system: what only a folder on a disk has. The rest of its promises are asked in test_fs.c. */
#include "storage/fs.h"

#include "tests/support/folder.h"
#include "tests/support/must.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena arena;
static const char *folder;

static void make_folder(void)
{
    arena_init(&arena, NULL);
    must(folder_make_temporary(&arena, &folder));
}

static void remove_folder(void)
{
    arena_release(&arena);
}

static const char *below(const char *name)
{
    str path = arena_format(&arena, "%s/%s", folder, name);
    return arena_copy_str(&arena, path).data;
}

Test(fs_folder, makes_what_leads_to_it, .init = make_folder, .fini = remove_folder)
{
    static const char *const rows[] = {"data", "a/b/c", "a/b/c/", "a//d", "./e"};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fs *fs;
        for (int again = 0; again < 2; again++) {
            must(fs_open_folder(below(rows[i]), &fs));
            must(fs_replace_file(fs, "state", str_from(rows[i])));
            fs_release(fs);
        }
        str content;
        must(folder_read_file(below(arena_format(&arena, "%s/state", rows[i]).data), &arena, &content));
        cr_expect(str_equal(content, str_from(rows[i])));
    }
}

Test(fs_folder, refuses_what_is_no_folder, .init = make_folder, .fini = remove_folder)
{
    static char too_long[5000];
    struct fs *fs;

    must(folder_write_file(below("file"), STR("text")));
    status s = fs_open_folder(below("file"), &fs);
    cr_expect(failed(s) && strstr(s.text, "file"), "%s", s.text);
    s = fs_open_folder(below("file/below"), &fs);
    cr_expect(failed(s), "%s", s.text);
    memset(too_long, 'x', sizeof too_long - 1);
    too_long[0] = '/';
    cr_expect(fs_open_folder(too_long, &fs).code == STATUS_INVALID);
}

/* Names lead through the folder that was opened, also after the process has gone elsewhere. */
Test(fs_folder, stays_in_its_place, .init = make_folder, .fini = remove_folder)
{
    struct fs *fs;
    str content;

    cr_assert(chdir(folder) == 0);
    must(fs_open_folder("data", &fs));
    cr_assert(chdir("/") == 0);
    must(fs_replace_file(fs, "state", STR("x")));
    fs_release(fs);
    must(folder_read_file(below("data/state"), &arena, &content));
    cr_expect(str_equal(content, STR("x")));
}

Test(fs_folder, lists_files_alone, .init = make_folder, .fini = remove_folder)
{
    struct fs *fs;
    struct file *file;
    str *names;
    size_t count;

    must(fs_open_folder(folder, &fs));
    must(fs_replace_file(fs, "file", STR("x")));
    must(fs_make_folder(fs, "folder"));
    cr_assert(symlink("file", below("link")) == 0 && symlink("nowhere", below("loose")) == 0);
    cr_assert(mkfifo(below("pipe"), 0600) == 0);
    must(fs_list(fs, "", &arena, &names, &count));
    cr_expect(count == 1 && str_equal(names[0], STR("file")), "%zu names", count);
    cr_expect(failed(fs_list(fs, "file", &arena, &names, &count)), "a file is no folder");
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof name, "folder/%03d", i);
        must(fs_open(fs, name, FS_CREATE, &file));
        file_close(file);
    }
    must(fs_list(fs, "folder", &arena, &names, &count));
    cr_assert(count == 300);
    for (size_t i = 0; i < count; i++) cr_expect(strtoul(names[i].data, NULL, 10) == i && names[i].len == 3);
    fs_release(fs);
}

struct churn {
    struct fs *fs;
    _Atomic bool stop;
};

static void *come_and_go(void *context)
{
    struct churn *churn = context;

    for (unsigned i = 0; !churn->stop; i++) {
        char name[32];
        struct file *file;
        snprintf(name, sizeof name, "wal/%u", i % 3);
        must(fs_open(churn->fs, name, FS_REPLACE, &file));
        file_close(file);
        must(fs_unlink(churn->fs, name));
    }
    return NULL;
}

/* Files that go while a folder is listed are in the list or not; the list is made all the same. */
Test(fs_folder, lists_while_files_go, .init = make_folder, .fini = remove_folder)
{
    struct churn churn = {0};
    pthread_t thread;

    must(fs_open_folder(folder, &churn.fs));
    must(fs_make_folder(churn.fs, "wal"));
    pthread_create(&thread, NULL, come_and_go, &churn);
    for (int i = 0; i < 5000; i++) {
        struct arena scratch;
        str *names;
        size_t count;
        arena_init(&scratch, NULL);
        must(fs_list(churn.fs, "wal", &scratch, &names, &count));
        cr_assert(count <= 3);
        arena_release(&scratch);
    }
    churn.stop = true;
    pthread_join(thread, NULL);
    fs_release(churn.fs);
}

/* What another process gets when it asks for the lock. */
static enum status_code lock_elsewhere(void)
{
    pid_t child = fork();
    int outcome = 0;

    if (child == 0) {
        struct fs *fs;
        status s = fs_open_folder(folder, &fs);
        if (!failed(s)) s = fs_lock(fs, "lock");
        _exit((int)s.code);
    }
    cr_assert(waitpid(child, &outcome, 0) == child && WIFEXITED(outcome));
    return (enum status_code)WEXITSTATUS(outcome);
}

Test(fs_folder, belongs_to_one_at_a_time, .init = make_folder, .fini = remove_folder)
{
    struct fs *first, *second;

    must(fs_open_folder(folder, &first));
    must(fs_open_folder(folder, &second));
    cr_expect(lock_elsewhere() == STATUS_OK, "a process that ends gives its lock up");
    must(fs_lock(first, "lock"));
    status s = fs_lock(second, "lock");
    cr_expect(s.code == STATUS_UNAVAILABLE && strstr(s.text, "in use by another process"), "%s", s.text);
    cr_expect(lock_elsewhere() == STATUS_UNAVAILABLE);
    fs_release(first);
    must(fs_lock(second, "lock"));
    cr_expect(lock_elsewhere() == STATUS_UNAVAILABLE);
    fs_release(second);
    cr_expect(lock_elsewhere() == STATUS_OK);
}

/* Errors name what was tried and the file, as short as its field is. */
Test(fs_folder, errors_name_the_file, .init = make_folder, .fini = remove_folder)
{
    struct fs *fs;
    struct file *file;

    must(fs_open_folder(folder, &fs));
    struct {
        status s;
        const char *expected;
    } rows[] = {
        {fs_open(fs, "no/where", FS_CREATE, &file), "open no/where: "},
        {fs_unlink(fs, "missing"), "unlink missing: "},
        {fs_rename(fs, "missing", "x"), "rename missing: "},
        {fs_link(fs, "missing", "x"), "link missing: "},
        {fs_make_folder(fs, "no/where"), "make folder no/where: "},
        {fs_sync_folder(fs, "missing"), "open folder missing: "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect(rows[i].s.code == STATUS_NOT_FOUND &&
                      str_starts_with(str_from(rows[i].s.text), str_from(rows[i].expected)),
                  "%s", rows[i].s.text);
    fs_release(fs);
    fs_release(NULL);
}

/* Several threads at distinct places of one file. */
struct writer_task {
    struct file *file;
    uint64_t number;
};

enum { TASKS = 4, PIECES = 400, PIECE_BYTES = 100 };

static void *write_pieces(void *context)
{
    struct writer_task *task = context;
    char piece[PIECE_BYTES];

    memset(piece, (int)('a' + task->number), sizeof piece);
    for (uint64_t i = 0; i < PIECES; i++)
        must(file_write(task->file, (i * TASKS + task->number) * PIECE_BYTES, &(struct fs_span){piece, sizeof piece},
                        1));
    return NULL;
}

Test(fs_folder, many_threads_in_one_file, .init = make_folder, .fini = remove_folder)
{
    struct writer_task tasks[TASKS];
    pthread_t threads[TASKS];
    struct fs *fs;
    struct file *file;
    str content;

    must(fs_open_folder(folder, &fs));
    must(fs_open(fs, "file", FS_CREATE, &file));
    for (uint64_t i = 0; i < TASKS; i++) {
        tasks[i] = (struct writer_task){file, i};
        pthread_create(&threads[i], NULL, write_pieces, &tasks[i]);
    }
    for (int i = 0; i < TASKS; i++) pthread_join(threads[i], NULL);
    file_close(file);
    must(fs_read_file(fs, "file", 1 << 20, &arena, &content));
    cr_assert(content.len == (size_t)TASKS * PIECES * PIECE_BYTES);
    for (size_t i = 0; i < content.len; i++) cr_assert(content.data[i] == 'a' + (char)(i / PIECE_BYTES % TASKS));
    fs_release(fs);
}

/* What the system says of a call comes out: devices fail on demand. */
Test(fs_folder, errors_of_the_system_come_out)
{
    struct fs *fs;
    struct file *file;

    must(fs_open_folder("/dev", &fs));
    must(fs_open(fs, "full", FS_WRITE, &file));
    status s = file_write(file, 0, &(struct fs_span){"x", 1}, 1);
    cr_expect(s.code == STATUS_NO_SPACE && strstr(s.text, "full"), "%s", s.text);
    file_close(file);
    must(fs_open(fs, "null", FS_WRITE, &file));
    cr_expect(failed(file_sync(file)), "a sync that the device can not do");
    cr_expect(failed(file_truncate(file, 1)) && failed(file_allocate(file, 1)));
    file_close(file);
    fs_release(fs);
    must(fs_open_folder("/proc", &fs));
    cr_expect(failed(fs_sync_folder(fs, "")), "a folder that can not be synced");
    fs_release(fs);
}
