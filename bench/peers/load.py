"""Loads one Postgres table with another tool: load.py duckdb-parquet|duckdb-delta|dlt-delta URL TABLE FOLDER.

Prints {"rows", "cpu_s", "peak_rss_mib"} of the whole process and its children; who starts it measures the wall time.
"""

import glob
import json
import os
import resource
import sys

tool, url, table, folder = sys.argv[1:]


def duck():
    import duckdb
    import duckdb_extension_postgres_scanner as extension

    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
    [path] = glob.glob(os.path.dirname(extension.__file__) + "/extensions/*/postgres_scanner.duckdb_extension")
    connection.execute(f"load '{path}'")
    connection.execute(f"attach '{url}' as source (type postgres, read_only)")
    return connection


def duckdb_parquet():
    connection = duck()
    connection.execute(f"copy (select * from source.public.{table}) to '{folder}/rows.parquet' (format parquet, codec zstd)")
    return connection.execute(f"select count(*) from '{folder}/rows.parquet'").fetchone()[0]


def duckdb_delta():
    from deltalake import DeltaTable, write_deltalake

    reader = duck().execute(f"select * from source.public.{table}").to_arrow_reader(122_880)
    write_deltalake(f"{folder}/rows", reader)
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
    from dlt.sources.sql_database import sql_table

    rows = sql_table(
        url.replace("postgres://", "postgresql://"),
        table=table,
        backend="connectorx",
        backend_kwargs={"return_type": "arrow_stream"},
    )
    pipeline = dlt.pipeline("bench", destination="filesystem", dataset_name="bench", pipelines_dir=f"{folder}/pipelines")
    pipeline.run(rows, table_format="delta", write_disposition="replace")
    return pipeline.last_trace.last_normalize_info.row_counts[table]


rows = {"duckdb-parquet": duckdb_parquet, "duckdb-delta": duckdb_delta, "dlt-delta": dlt_delta}[tool]()
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
