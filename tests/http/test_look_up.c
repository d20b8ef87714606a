#include "http/look_up.h"
#include "tests/http/harness.h"
#include "tests/support/must.h"

/* Names and values of all series, of sets that overlap, and beyond a limit. */
Test(look_up, lists)
{
    struct site site;
    struct request request;
    struct look_up look;
    bool truncated;
    size_t count;
    str *texts;

    site_open(&site);
    site_load_few(&site);
    request_init(&request, STR("/?match[]=up&match[]={job=\"node\"}&start=0&end=5"), &site.bodies, &site.answers);
    request.services = &site.services;
    look_up_init(&look, &request);
    must(look_up_window(&look));
    cr_expect(look.start_ms == 0 && look.end_ms == 5000);
    look_up_take_snapshot(&look);
    must(look_up_list(&look, STR(""), &texts, &count, &truncated));
    cr_expect(count == 4 && str_equal(texts[0], STR("__name__")) && str_equal(texts[1], STR("a.b/c")));
    must(request_matchers(&request, &look.sets, &look.set_count));
    must(look_up_list(&look, STR("instance"), &texts, &count, &truncated));
    cr_expect(count == 2 && str_equal(texts[0], STR("a")) && str_equal(texts[1], STR("b")) && !truncated);
    look.limit = 1;
    must(look_up_list(&look, STR("instance"), &texts, &count, &truncated));
    cr_expect(count >= 1 && str_equal(texts[0], STR("a")) && (truncated || count > 1));
    request_cancel(&request);
    cr_expect(look_up_check(&look).code == STATUS_CANCELED);
    snapshot_release(look.snapshot);
    request_release(&request);
    site_close(&site);
}
