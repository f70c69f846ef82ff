"""Loads one CSV or JSON lines file with another tool: load_file.py duckdb-delta|dlt-delta FILE FOLDER.

Prints {"rows", "cpu_s", "peak_rss_mib"} of the whole process and its children; who starts it measures the wall time.
"""

import json
import os
import resource
import sys

tool, path, folder = sys.argv[1:]
is_csv = path.endswith(".csv")


def duckdb_delta():
    import duckdb
    from deltalake import DeltaTable, write_deltalake

    reader = "read_csv" if is_csv else "read_json"
    rows = duckdb.connect().execute(f"select * from {reader}('{path}')").to_arrow_reader(122_880)
    write_deltalake(f"{folder}/rows", rows)
    return sum(DeltaTable(f"{folder}/rows").get_add_actions(flatten=True)["num_records"].to_pylist())


def dlt_delta():
    os.environ.update(
        {
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "DLT_DATA_DIR": f"{folder}/dlt",
            "DESTINATION__FILESYSTEM__BUCKET_URL": f"file://{folder}/lake",
        }
    )
    import dlt
    from dlt.sources.filesystem import filesystem, read_csv_duckdb, read_jsonl

    files = filesystem(bucket_url=f"file://{os.path.dirname(path)}", file_glob=os.path.basename(path))
    rows = (files | (read_csv_duckdb(use_pyarrow=True) if is_csv else read_jsonl())).with_name("lineitem")
    pipeline = dlt.pipeline("bench", destination="filesystem", dataset_name="bench", pipelines_dir=f"{folder}/pipelines")
    pipeline.run(rows, table_format="delta", write_disposition="replace")
    return pipeline.last_trace.last_normalize_info.row_counts["lineitem"]


rows = {"duckdb-delta": duckdb_delta, "dlt-delta": dlt_delta}[tool]()
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(
    json.dumps(
        {
            "rows": rows,
            "cpu_s": sum(each.ru_utime + each.ru_stime for each in used),
            "peak_rss_mib": max(each.ru_maxrss for each in used) / 1024,
        }
    )
)
