"""Arrow data in one canonical form, in which the tests write down what they expect.

Integers and decimals are text, timestamps microseconds since 1970 and dates days since 1970 as text, binary is hex, floats are their bits
as hex (every NaN is "NaN"), maps lists of pairs, structs objects, uuids their 36 characters.
"""

import hashlib
import struct
import uuid

import pyarrow as pa
import pyarrow.compute as pc


def type_text(type_):
    types = pa.types
    if isinstance(type_, pa.BaseExtensionType):
        return {"arrow.uuid": "uuid", "arrow.json": "json"}.get(type_.extension_name) or type_text(type_.storage_type)
    if types.is_dictionary(type_):
        return type_text(type_.value_type)
    if types.is_boolean(type_):
        return "boolean"
    if types.is_float32(type_):
        return "float32"
    if types.is_float64(type_):
        return "float64"
    if types.is_decimal(type_):
        return f"decimal({type_.precision},{type_.scale})"
    if types.is_string(type_) or types.is_large_string(type_) or types.is_string_view(type_):
        return "string"
    if types.is_binary(type_) or types.is_large_binary(type_) or types.is_binary_view(type_):
        return "binary"
    if types.is_date32(type_):
        return "date"
    if types.is_timestamp(type_):
        zone = "local" if type_.tz is None else "utc" if type_.tz in ("UTC", "+00:00", "Etc/UTC") else type_.tz
        return f"timestamp({zone})" if type_.unit == "us" else f"timestamp({zone},{type_.unit})"
    if types.is_map(type_):
        return f"map<{type_text(type_.key_type)},{field_text(type_.item_field)}>"
    if is_list(type_):
        return f"list<{field_text(type_.value_field)}>"
    if types.is_struct(type_):
        return "struct<" + ",".join(f"{field.name}:{field_text(field)}" for field in type_) + ">"
    return str(type_)


def field_text(field):
    return type_text(field.type) + ("" if field.nullable else " not null")


def schema_text(schema):
    return [[field.name, field_text(field)] for field in schema]


def is_list(type_):
    types = pa.types
    return (
        types.is_list(type_)
        or types.is_large_list(type_)
        or types.is_list_view(type_)
        or types.is_large_list_view(type_)
        or types.is_fixed_size_list(type_)
    )


def micros(array):
    """Timestamps as integers: Python's own cannot hold all of them."""
    if array.type.unit != "us":
        array = array.cast(pa.timestamp("us", array.type.tz))
    return array.cast(pa.int64())


def float_text(value, code):
    if value is None:
        return None
    return "NaN" if value != value else struct.pack(code, value).hex()


def cells(array):
    """The values of an array as what JSON can hold."""
    types = pa.types
    if isinstance(array, pa.ChunkedArray):
        return [cell for chunk in array.chunks for cell in cells(chunk)]
    type_ = array.type
    if isinstance(type_, pa.BaseExtensionType):
        if type_.extension_name == "arrow.uuid":
            return [value and str(uuid.UUID(bytes=value)) for value in array.storage.to_pylist()]
        return cells(array.storage)
    if types.is_dictionary(type_):
        return cells(array.dictionary_decode())
    if types.is_fixed_size_binary(type_) and type_.byte_width == 16:
        return [value and str(uuid.UUID(bytes=value)) for value in array.to_pylist()]
    if types.is_map(type_):
        valid = array.is_valid().to_pylist()
        offsets = array.offsets.to_pylist()
        keys, items = cells(array.keys), cells(array.items)
        return [
            [[keys[at], items[at]] for at in range(offsets[i], offsets[i + 1])] if valid[i] else None
            for i in range(len(array))
        ]
    if is_list(type_):
        lengths = pc.list_value_length(array).to_pylist()
        inner = iter(cells(array.flatten()))
        return [None if length is None else [next(inner) for _ in range(length)] for length in lengths]
    if types.is_struct(type_):
        names = [field.name for field in type_]
        valid = array.is_valid().to_pylist()
        columns = [cells(array.field(i)) for i in range(len(names))]
        rows = zip(*columns) if columns else ((),) * len(array)
        return [dict(zip(names, row)) if ok else None for ok, row in zip(valid, rows)]
    if types.is_timestamp(type_):
        array = micros(array)
    elif types.is_date32(type_):
        array = array.cast(pa.int32())
    elif types.is_float32(type_):
        return [float_text(value, ">f") for value in array.to_pylist()]
    elif types.is_float64(type_):
        return [float_text(value, ">d") for value in array.to_pylist()]
    elif types.is_decimal(type_):
        return [None if value is None else format(value, "f") for value in array.to_pylist()]
    values = array.to_pylist()
    if types.is_integer(array.type):
        return [None if value is None else str(value) for value in values]
    return [bytes(value).hex() if isinstance(value, (bytes, bytearray, memoryview)) else value for value in values]


def rows_of(table):
    return [list(row) for row in zip(*(cells(column) for column in table.columns))]


def digests(table, key):
    """One hash a column over all of its values in the order of the key: as good as comparing every row, and quick."""
    order = pc.sort_indices(table.column(key).combine_chunks()).to_pylist()
    return {name: digest(table.column(name), order) for name in table.schema.names}


def digest(column, order):
    types = pa.types
    array = column.combine_chunks()
    if types.is_timestamp(array.type):
        array = micros(array)
    elif types.is_date32(array.type):
        array = array.cast(pa.int32())
    elif types.is_float32(array.type) or types.is_float64(array.type):
        array = array.view(pa.int32() if types.is_float32(array.type) else pa.int64())
    text = array.cast(pa.large_string()).to_pylist()
    joined = "\n".join("\0" if text[at] is None else text[at] for at in order)
    return hashlib.sha256(joined.encode()).hexdigest()
