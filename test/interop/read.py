"""Reads tables with another implementation and prints their rows in one canonical form.

Standard input: {"engine": "deltars" | "spark" | "duckdb" | "pyarrow", "tables": {name: {"path": ..., "version": int | null}}, "jars": ...}
Standard output: one JSON object a line, {"table": name, "columns": [...], "rows": [...]} or {"table": name, "error": "..."}.
Canonical: integers and decimals as text, timestamps as microseconds since 1970, dates as days since 1970, binary as hex, floats as
their shortest text (NaN, Infinity), maps as a list of pairs, structs as objects.
"""

import datetime
import decimal
import json
import math
import sys

EPOCH = datetime.datetime(1970, 1, 1)
EPOCH_UTC = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def number(value):
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == int(value) and abs(value) < 1e15:
        return ("-0" if math.copysign(1, value) < 0 else "0") if value == 0 else str(int(value))
    return repr(value)


def canonical(value):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        start = EPOCH if value.tzinfo is None else EPOCH_UTC
        return str((value - start) // datetime.timedelta(microseconds=1))
    if isinstance(value, datetime.date):
        return str((value - EPOCH.date()).days)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, dict):
        if set(value) == {"key", "value"} and isinstance(value["key"], list):
            return [[canonical(k), canonical(v)] for k, v in zip(value["key"], value["value"])]
        return {key: canonical(member) for key, member in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {key: canonical(getattr(value, key)) for key in value._fields}
    if isinstance(value, (list, tuple)):
        return [canonical(each) for each in value]
    raise TypeError(f"{type(value)}: {value!r}")


def plain(type_):
    """The Arrow type whose Python values cannot overflow: timestamps and dates as integers, float32 kept."""
    import pyarrow as pa

    if pa.types.is_timestamp(type_):
        return pa.int64()
    if pa.types.is_date32(type_):
        return pa.int32()
    return None


def arrow_rows(table):
    import pyarrow as pa

    columns = []
    for index, field in enumerate(table.schema):
        column = table.column(index)
        if pa.types.is_timestamp(field.type) and field.type.unit != "us":
            column = column.cast(pa.timestamp("us", field.type.tz))
        target = plain(field.type)
        if target is not None:
            column = pa.chunked_array([chunk.view(target) for chunk in column.chunks], target)
        columns.append([canonical(float32(value, field.type)) for value in column.to_pylist()])
    names = table.schema.names
    return names, [list(row) for row in zip(*columns)] if columns else []


def float32(value, type_):
    """A 4-byte float as the shortest text that gives it back, not that of the double it is widened to."""
    import pyarrow as pa

    if pa.types.is_float32(type_) and value is not None and math.isfinite(value):
        import numpy

        return float(str(numpy.float32(value)))
    return value


def read_deltars(path, version, _):
    from deltalake import DeltaTable

    table = DeltaTable(path, version=version)
    return arrow_rows(table.to_pyarrow_table())


def read_pyarrow(path, version, _):
    import pyarrow.dataset as ds

    return arrow_rows(ds.dataset(path, format="parquet", partitioning="hive").to_table())


def read_duckdb(path, version, state):
    import duckdb

    if "connection" not in state:
        import glob
        import os

        import duckdb_extension_delta

        folder = os.path.dirname(duckdb_extension_delta.__file__)
        [extension] = glob.glob(f"{folder}/extensions/*/delta.duckdb_extension")
        state["connection"] = connection = duckdb.connect(config={"autoinstall_known_extensions": False})
        connection.execute(f"load '{extension}'")
        connection.execute("set timezone = 'UTC'")
    return arrow_rows(state["connection"].execute(f"select * from delta_scan('{path}')").to_arrow_table())


def read_spark(path, version, state):
    from pyspark.sql import functions as f
    from pyspark.sql.types import DateType, FloatType, TimestampNTZType, TimestampType

    if "session" not in state:
        from pyspark.sql import SparkSession

        state["session"] = (
            SparkSession.builder.master("local[2]")
            .config("spark.driver.extraClassPath", state["jars"])
            .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
            .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.memory", "2g")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .getOrCreate()
        )
        state["session"].sparkContext.setLogLevel("ERROR")
    reader = state["session"].read.format("delta")
    if version is not None:
        reader = reader.option("versionAsOf", version)
    frame = reader.load(path)
    columns = []
    for field in frame.schema.fields:
        column = f.col("`" + field.name.replace("`", "``") + "`")
        if isinstance(field.dataType, TimestampType):
            column = f.unix_micros(column)
        elif isinstance(field.dataType, TimestampNTZType):
            column = f.unix_micros(column.cast("timestamp"))
        elif isinstance(field.dataType, DateType):
            column = f.unix_date(column)
        elif isinstance(field.dataType, FloatType):
            column = column.cast("string")
        columns.append(column.alias(field.name))
    names = frame.schema.names
    floats = {i for i, field in enumerate(frame.schema.fields) if isinstance(field.dataType, FloatType)}
    rows = []
    for row in frame.select(columns).collect():
        cells = []
        for index, value in enumerate(row):
            if index in floats and value is not None:
                value = float(value.replace("Infinity", "inf"))
            cells.append(canonical(spark_value(value)))
        rows.append(cells)
    return names, rows


def spark_value(value):
    """Spark's rows are tuples with names; its maps are dictionaries."""
    from pyspark.sql import Row

    if isinstance(value, Row):
        return {key: spark_value(member) for key, member in zip(value.__fields__, value)}
    if isinstance(value, dict):
        return [(spark_value(key), spark_value(member)) for key, member in value.items()]
    if isinstance(value, list):
        return [spark_value(each) for each in value]
    return value


def main():
    job = json.load(sys.stdin)
    read = {"deltars": read_deltars, "spark": read_spark, "duckdb": read_duckdb, "pyarrow": read_pyarrow}[job["engine"]]
    state = {"jars": job.get("jars")}
    for name, table in job["tables"].items():
        try:
            names, rows = read(table["path"], table.get("version"), state)
            line = {"table": name, "columns": names, "rows": rows}
        except Exception as error:  # noqa: BLE001  (whatever a reader says is a result)
            line = {"table": name, "error": f"{type(error).__name__}: {error}"[:2000]}
        print(json.dumps(line), flush=True)


main()
