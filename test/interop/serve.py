"""Serves other implementations of Delta and Parquet to the tests: `serve.py SOCKET JARS`.

One JSON request a connection, one JSON answer. One process for the whole run, because Spark takes long to start. Ends with its standard input.
"""

import json
import os
import socketserver
import sys
import threading

from cells import digests, rows_of, schema_text
from engines import Engines, write_deltars
from parquet_files import write_parquet_files


def answer(engines, request):
    op = request["op"]
    if op == "read":
        table = engines.read(request["engine"], request["place"])
        schema = engines.schema(request["engine"], request["place"], table)
        return {"schema": schema_text(schema), "names": table.schema.names, "rows": rows_of(table)}
    if op == "digest":
        table = engines.read(request["engine"], request["place"])
        return {"rows": table.num_rows, "columns": digests(table, request["key"])}
    if op == "filter":
        engine, place, columns = request["engine"], request["place"], request["columns"]
        results = []
        for condition in request["conditions"]:
            try:
                results.append({"rows": rows_of(engines.filtered(engine, place, condition, columns))})
            except Exception as error:  # noqa: BLE001  (one comparison may be refused where others are not)
                results.append({"error": f"{type(error).__name__}: {error}"[:1000]})
        return {"results": results}
    if op == "query":
        table = engines.query(request["engine"], request["place"], request.get("sql", ""), request["columns"])
        return {"rows": rows_of(table)}
    if op == "spark":
        session, last = engines.spark(), None
        for statement in request["statements"]:
            if statement.lower().startswith("set "):
                key, value = statement[4:].split("=", 1)
                session.conf.set(key.strip(), value.strip())
            else:
                last = session.sql(statement)
        return {"rows": [] if last is None else rows_of(last.toArrow())}
    if op == "deltars":
        write_deltars(request["path"], request["steps"])
        return {}
    if op == "parquet":
        return {"files": write_parquet_files(request["folder"])}
    raise ValueError(f"no such operation: {op}")


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline()
        if not line:
            return
        try:
            result = answer(self.server.engines, json.loads(line))
        except Exception as error:  # noqa: BLE001  (whatever a reader says is a result)
            result = {"error": f"{type(error).__name__}: {error}"[:4000]}
        self.wfile.write(json.dumps(result).encode() + b"\n")


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


def main():
    socket, jars = sys.argv[1:]
    server = Server(socket, Handler)
    server.engines = Engines(jars)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()
    os._exit(0)


main()
