"""Tables through other implementations: delta-rs ("deltars"), Spark, DuckDB with delta-kernel, and pyarrow. Everything comes back as Arrow tables."""

import datetime
import glob
import os
import threading

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds


OPERATORS = {"=": pc.equal, "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal}


class Engines:
    def __init__(self, jars):
        self.jars = jars
        self.spark_ready = threading.Event()
        self.spark_error = None
        self.spark_session = None
        self.duckdb_lock = threading.Lock()
        self.duckdb_connection = None
        threading.Thread(target=self.start_spark, daemon=True).start()

    def start_spark(self):
        try:
            from pyspark.sql import SparkSession

            options = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Duser.timezone=UTC"
            builder = (
                SparkSession.builder.master("local[2]")
                .config("spark.driver.extraClassPath", self.jars)
                .config("spark.driver.extraJavaOptions", options)
                .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
                .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
                .config("spark.driver.host", "127.0.0.1")
                .config("spark.driver.bindAddress", "127.0.0.1")
                .config("spark.driver.memory", "2g")
                .config("spark.sql.session.timeZone", "UTC")
                .config("spark.sql.parquet.inferTimestampNTZ.enabled", "true")
                .config("spark.sql.warehouse.dir", os.path.abspath("warehouse"))
                .config("spark.ui.enabled", "false")
                # Little data and many plans: compiling each plan would take most of the time.
                .config("spark.sql.codegen.wholeStage", "false")
                .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
                .config("spark.sql.adaptive.enabled", "false")
                .config("spark.sql.shuffle.partitions", "1")
                .config("spark.databricks.delta.snapshotPartitions", "1")
                .config("spark.databricks.delta.retentionDurationCheck.enabled", "false")
            )
            session = builder.getOrCreate()
            session.sparkContext.setLogLevel("ERROR")
            self.spark_session = session
        except Exception as error:  # noqa: BLE001  (told to whoever asks for Spark)
            self.spark_error = error
        self.spark_ready.set()

    def spark(self):
        self.spark_ready.wait()
        if self.spark_error is not None:
            raise self.spark_error
        return self.spark_session

    def duckdb(self):
        import duckdb
        import duckdb_extension_delta

        with self.duckdb_lock:
            if self.duckdb_connection is None:
                folder = os.path.dirname(duckdb_extension_delta.__file__)
                [extension] = glob.glob(f"{folder}/extensions/*/delta.duckdb_extension")
                connection = duckdb.connect(config={"autoinstall_known_extensions": False, "threads": 2})
                connection.execute(f"load '{extension}'")
                self.duckdb_connection = connection
            cursor = self.duckdb_connection.cursor()
        cursor.execute("set timezone = 'UTC'")
        return cursor

    def query(self, engine, place, sql, columns="*"):
        """Runs `select columns from the table {sql}`."""
        path, layout, version = place["path"], place["format"], place.get("version")
        if engine == "spark":
            session = self.spark()
            if layout == "delta":
                at = "" if version is None else f" version as of {version}"
                return session.sql(f"select {columns} from delta.`{path}`{at} {sql}").toArrow()
            view = f"v{threading.get_ident()}"
            session.read.option("mergeSchema", "true").parquet(path).createOrReplaceTempView(view)
            return session.sql(f"select {columns} from {view} {sql}").toArrow()
        if engine == "duckdb":
            scan = (
                f"delta_scan({quoted(path)})"
                if layout == "delta"
                else f"read_parquet({quoted(path + '/**/*.parquet')}, hive_partitioning = true, union_by_name = true)"
            )
            return self.duckdb().execute(f"select {columns} from {scan} {sql}").to_arrow_table()
        if engine == "deltars":
            from deltalake import DeltaTable, QueryBuilder

            builder = QueryBuilder().register("t", DeltaTable(path, version=version))
            return pa.table(builder.execute(f"select {columns} from t {sql}").read_all())
        raise ValueError(f"{engine} has no SQL")

    def dataset(self, place):
        if place["format"] == "delta":
            from deltalake import DeltaTable

            return DeltaTable(place["path"], version=place.get("version")).to_pyarrow_dataset()
        files = sorted(glob.glob(f"{place['path']}/**/*.parquet", recursive=True))
        schema = pa.unify_schemas([ds.dataset(file, format="parquet").schema for file in files])
        hive = ds.HivePartitioning.discover(infer_dictionary=False)
        parted = ds.dataset(files, format="parquet", partitioning=hive, partition_base_dir=place["path"])
        names = {field.name for field in schema}
        for field in parted.schema:
            if field.name not in names:
                schema = schema.append(field)
        return parted.replace_schema(schema)

    def read(self, engine, place):
        return self.dataset(place).to_table() if engine == "pyarrow" else self.query(engine, place, "")

    def schema(self, engine, place, table):
        """The schema that an engine declares for a table, rather than that of a result."""
        if place["format"] == "delta" and engine == "deltars":
            from deltalake import DeltaTable

            return pa.schema(DeltaTable(place["path"], version=place.get("version")).schema().to_arrow())
        return table.schema

    def filtered(self, engine, place, condition, columns):
        """Rows for which one comparison holds, decided by the engine with all the skipping that it does."""
        if engine == "pyarrow":
            dataset = self.dataset(place)
            path = condition["column"].split(".")
            value = arrow_scalar(condition)
            field = pc.field(*path) if len(path) > 1 else pc.field(path[0])
            return dataset.to_table(columns=columns, filter=OPERATORS[condition["op"]](field, value))
        column = sql_column(engine, condition["column"])
        names = ", ".join(columns)
        return self.query(engine, place, f"where {column} {condition['op']} {literal(engine, condition)}", names)


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def sql_column(engine, path):
    first, *rest = path.split(".")
    if engine == "deltars":
        return f'"{first}"' + "".join(f"['{name}']" for name in rest)
    return path


def literal(engine, condition):
    """A value as SQL: `type` is a type of cells.py, `value` is text (microseconds and days as SQL's own date and time)."""
    type_, value = condition["type"], condition["value"]
    if type_ == "string":
        return "'" + (value.replace("\\", "\\\\").replace("'", "\\'") if engine == "spark" else value.replace("'", "''")) + "'"
    if type_ == "boolean":
        return value
    if type_ == "binary":
        return f"X'{value}'" if engine != "duckdb" else "'" + "".join(f"\\x{value[i:i+2]}" for i in range(0, len(value), 2)) + "'::blob"
    if type_ == "date":
        return f"cast('{value}' as date)"
    if type_ == "timestamp(utc)":
        return {
            "spark": f"timestamp '{value}Z'",
            "duckdb": f"timestamptz '{value}+00'",
            "deltars": f"arrow_cast('{value}Z', 'Timestamp(Microsecond, Some(\"UTC\"))')",
        }[engine]
    if type_ == "timestamp(local)":
        return {
            "spark": f"timestamp_ntz '{value}'",
            "duckdb": f"timestamp '{value}'",
            "deltars": f"arrow_cast('{value}', 'Timestamp(Microsecond, None)')",
        }[engine]
    name = {"int8": "tinyint", "int16": "smallint", "int32": "int", "int64": "bigint", "float32": "float", "float64": "double"}
    return f"cast('{value}' as {name.get(type_, type_)})"


def arrow_scalar(condition):
    type_, value = condition["type"], condition["value"]
    if type_ == "string":
        return pa.scalar(value, pa.string())
    if type_ == "boolean":
        return pa.scalar(value == "true")
    if type_ == "binary":
        return pa.scalar(bytes.fromhex(value), pa.binary())
    if type_.startswith("decimal"):
        precision, scale = type_[8:-1].split(",")
        return pa.scalar(value).cast(pa.decimal128(int(precision), int(scale)))
    if type_ == "date":
        return pa.scalar(datetime.date.fromisoformat(value))
    if type_.startswith("timestamp"):
        start = datetime.datetime(1970, 1, 1)
        micros = (datetime.datetime.fromisoformat(value) - start) // datetime.timedelta(microseconds=1)
        return pa.scalar(micros, pa.timestamp("us", "UTC" if type_ == "timestamp(utc)" else None))
    if type_.startswith("float"):
        return pa.scalar(float(value), pa.float32() if type_ == "float32" else pa.float64())
    return pa.scalar(int(value), getattr(pa, type_)())


def write_deltars(path, steps):
    """Makes commits with delta-rs: `{"write": select for DuckDB, "mode": …}`, `{"delete": predicate}`, `{"checkpoint": true}` …"""
    import deltalake
    import duckdb

    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    for step in steps:
        if "write" in step:
            options = {key: value for key, value in step.items() if key != "write"}
            deltalake.write_deltalake(path, connection.execute(step["write"]).to_arrow_table(), **options)
            continue
        table = deltalake.DeltaTable(path)
        if "delete" in step:
            table.delete(step["delete"])
        elif "checkpoint" in step:
            table.create_checkpoint()
        elif "compact" in step:
            table.optimize.compact()
        else:
            raise ValueError(f"no such step: {step}")



