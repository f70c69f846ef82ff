"""Reads, and with Spark appends to, Delta tables on S3: `readers.py delta-rs|spark ENDPOINT URL [JARS STATEMENTS [SETTINGS]]`. Prints JSON."""

import json
import sys

engine, endpoint, url = sys.argv[1:4]
keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}

if engine == "delta-rs":
    import pyarrow as pa
    from deltalake import DeltaTable, QueryBuilder

    table = DeltaTable(url, storage_options={**keys, "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true"})
    rows = pa.table(QueryBuilder().register("t", table).execute("select * from t").read_all()).to_pylist()
    print(json.dumps({"version": table.version(), "rows": rows}, default=str))
else:
    from pyspark.sql import SparkSession

    jars, statements = sys.argv[4], json.loads(sys.argv[5])
    settings = {
        "spark.driver.extraClassPath": jars,
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.hadoop.fs.s3a.endpoint": endpoint,
        "spark.hadoop.fs.s3a.endpoint.region": "us-east-1",
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.access.key": "test",
        "spark.hadoop.fs.s3a.secret.key": "test",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
    }
    settings.update(json.loads(sys.argv[6]) if len(sys.argv) > 6 else {})
    builder = SparkSession.builder.master("local[2]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    rows = []
    for statement in statements:
        rows = [row.asDict(recursive=True) for row in session.sql(statement.replace("{table}", f"delta.`{url}`")).collect()]
    print(json.dumps({"rows": rows}, default=str))
