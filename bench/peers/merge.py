"""Merges the rows of a Parquet file into a Delta table with delta-rs: merge.py TABLE FILE.

The rows are in memory before the clock starts. Prints {"rows", "wall_s", "cpu_s", "peak_rss_mib"}.
"""

import json
import resource
import sys
import time

import pyarrow.parquet as parquet
from deltalake import DeltaTable

table, file = sys.argv[1:]
source = parquet.read_table(file)


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


used, started = cpu(), time.perf_counter()
(
    DeltaTable(table)
    .merge(
        source=source,
        predicate="t.l_orderkey = s.l_orderkey and t.l_linenumber = s.l_linenumber",
        source_alias="s",
        target_alias="t",
    )
    .when_matched_update_all()
    .when_not_matched_insert_all()
    .execute()
)
print(
    json.dumps(
        {
            "rows": source.num_rows,
            "wall_s": time.perf_counter() - started,
            "cpu_s": cpu() - used,
            "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    )
)
