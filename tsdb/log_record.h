/* What the records of logs and registries are. */
#ifndef VARVE_TSDB_LOG_RECORD_H
#define VARVE_TSDB_LOG_RECORD_H

/* Types of records in a head's log; those in a registry's file are registrations. */
enum log_record {
    LOG_REGISTRATION = 1, /* tsdb/registration.c */
    LOG_SAMPLES = 2,      /* tsdb/sample_rows.h */
    LOG_METADATA = 3,     /* tsdb/metadata.h */
    LOG_RICH_SAMPLES = 5, /* tsdb/rich_rows.h */
    LOG_EXEMPLARS = 6,    /* tsdb/exemplars.h */
    LOG_HEAD = 4          /* first in a log: the number of the head's registry (u32) and the secret */
};

#endif
