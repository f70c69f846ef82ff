"""Parquet files that pyarrow writes: one table of every type, in every layout that it has."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 2000
UTC = dt.timezone.utc


def some(i, value):
    return None if i % 7 == 0 else value


# By name: the type, and the value of row i.
COLUMNS = {
    "i8": (pa.int8(), lambda i: some(i, i % 100 - 50)),
    "u8": (pa.uint8(), lambda i: i % 256),
    "u16": (pa.uint16(), lambda i: i),
    "u32": (pa.uint32(), lambda i: 2**32 - 1 - i),
    "u64": (pa.uint64(), lambda i: 2**64 - 1 - i),
    "f32": (pa.float32(), lambda i: i / 4),
    "f64": (pa.float64(), lambda i: i / 3),
    "d4": (pa.decimal128(9, 2), lambda i: Decimal(i) / 4),
    "d8": (pa.decimal128(18, 2), lambda i: Decimal(-i) / 4),
    "d16": (pa.decimal128(38, 10), lambda i: some(i, Decimal(i) * Decimal("1e20"))),
    "t32": (pa.time32("ms"), lambda i: dt.time(1, 2, 3, 1000 * (i % 1000))),
    "t64": (pa.time64("us"), lambda i: dt.time(1, 2, 3, i)),
    "tns": (pa.time64("ns"), lambda i: dt.time(1, 2, 3, i)),
    "ts_ms": (pa.timestamp("ms", tz="UTC"), lambda i: dt.datetime(2020, 1, 1, 0, 0, 0, 1000 * (i % 1000), UTC)),
    "ts_us": (pa.timestamp("us"), lambda i: some(i, dt.datetime(1960, 1, 1, 0, 0, 0, i))),
    "ts_ns": (pa.timestamp("ns"), lambda i: dt.datetime(2020, 1, 1, 0, 0, 0, i)),
    "day": (pa.date32(), lambda i: dt.date(2020, 1, 1) + dt.timedelta(i)),
    "s": (pa.string(), lambda i: some(i, f"text {i}")),
    "b": (pa.binary(), lambda i: bytes([i & 255])),
    "fx": (pa.binary(3), lambda i: bytes([i & 255, 0, 1])),
    "few": (pa.dictionary(pa.int32(), pa.string()), lambda i: f"k{i % 5}"),
    "list": (pa.list_(pa.int32()), lambda i: some(i, [i, None][: i % 3])),
    "lists": (pa.list_(pa.list_(pa.string())), lambda i: [["a"], []][: i % 3]),
    "st": (
        pa.struct([("x", pa.int64()), ("y", pa.string())]),
        lambda i: some(i, {"x": i, "y": None if i % 2 else "y"}),
    ),
    "m": (pa.map_(pa.string(), pa.int64()), lambda i: [("a", i), ("b", None)][: i % 3]),
    "bo": (pa.bool_(), lambda i: some(i, i % 2 == 0)),
}

DELTA = {
    **dict.fromkeys(["u8", "u64"], "DELTA_BINARY_PACKED"),
    **dict.fromkeys(["s", "fx", "d4"], "DELTA_BYTE_ARRAY"),
    "b": "DELTA_LENGTH_BYTE_ARRAY",
    **dict.fromkeys(["f16", "f32", "f64", "d16", "i8"], "BYTE_STREAM_SPLIT"),
    "bo": "RLE",
}

VARIANTS = {
    "default": {},
    "lz4": {"compression": "lz4"},
    "brotli": {"compression": "brotli"},
    "v1-gzip": {"version": "1.0", "compression": "gzip"},
    "v2-zstd": {"data_page_version": "2.0", "compression": "zstd"},
    "int96": {"use_deprecated_int96_timestamps": True},
    "plain-small-pages": {"use_dictionary": False, "data_page_size": 1000},
    "delta": {"use_dictionary": False, "column_encoding": DELTA, "data_page_version": "2.0"},
    "old-lists": {"use_compliant_nested_type": False},
    "decimals-as-integers": {"store_decimal_as_integer": True},
    "groups": {"row_group_size": 300},
}


def write_parquet_files(folder):
    """Writes `<variant>.parquet` into a folder and gives the names."""
    arrays = {name: pa.array([value(i) for i in range(ROWS)], type) for name, (type, value) in COLUMNS.items()}
    arrays["f16"] = pa.array(np.array([i / 8 for i in range(ROWS)], dtype=np.float16))
    table = pa.table(arrays)
    for name, options in VARIANTS.items():
        pq.write_table(table, f"{folder}/{name}.parquet", **options)
    return list(VARIANTS)
