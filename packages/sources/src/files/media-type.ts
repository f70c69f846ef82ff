/** Types by what files begin with: an offset, and the bytes there as Latin-1 text. Source: https://mimesniff.spec.whatwg.org and the formats' own pages. */
const signatures: readonly (readonly [type: string, offset: number, bytes: string])[] = [
  ["image/png", 0, "\x89PNG\r\n\x1a\n"],
  ["image/jpeg", 0, "\xff\xd8\xff"],
  ["image/gif", 0, "GIF87a"],
  ["image/gif", 0, "GIF89a"],
  ["image/webp", 8, "WEBP"],
  ["audio/wav", 8, "WAVE"],
  ["video/x-msvideo", 8, "AVI "],
  ["image/bmp", 0, "BM"],
  ["image/tiff", 0, "II*\0"],
  ["image/tiff", 0, "MM\0*"],
  ["image/avif", 4, "ftypavif"],
  ["image/heic", 4, "ftypheic"],
  ["video/quicktime", 4, "ftypqt"],
  ["audio/mp4", 4, "ftypM4A"],
  ["video/mp4", 4, "ftyp"],
  ["video/webm", 0, "\x1aE\xdf\xa3"],
  ["audio/mpeg", 0, "ID3"],
  ["audio/flac", 0, "fLaC"],
  ["application/ogg", 0, "OggS"],
  ["application/pdf", 0, "%PDF-"],
  ["application/gzip", 0, "\x1f\x8b"],
  ["application/zstd", 0, "\x28\xb5\x2f\xfd"],
  ["application/x-7z-compressed", 0, "7z\xbc\xaf\x27\x1c"],
  ["application/vnd.apache.parquet", 0, "PAR1"],
  ["application/zip", 0, "PK\x03\x04"],
];

/** Types by extension: of text, which has no signature, and of files that are archives of one kind. Source: https://www.iana.org/assignments/media-types */
const extensions: { readonly [extension: string]: string } = {
  csv: "text/csv",
  txt: "text/plain",
  md: "text/markdown",
  html: "text/html",
  htm: "text/html",
  css: "text/css",
  js: "text/javascript",
  xml: "application/xml",
  svg: "image/svg+xml",
  json: "application/json",
  jsonl: "application/jsonl",
  ndjson: "application/x-ndjson",
  yaml: "application/yaml",
  yml: "application/yaml",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  pptx: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  odt: "application/vnd.oasis.opendocument.text",
  ods: "application/vnd.oasis.opendocument.spreadsheet",
  epub: "application/epub+zip",
  jar: "application/java-archive",
};

/** What is known of a file that is anything. */
const ANY = "application/octet-stream";

/** The media type of a file by its first bytes and its extension; `application/octet-stream` where they say nothing. */
export function mediaTypeOf(path: string, head: Uint8Array): string {
  const start = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 64)).toString("latin1");
  const signed = signatures.find(([, offset, bytes]) => start.startsWith(bytes, offset))?.[0];
  const isBinary = signed !== undefined && signed !== "application/zip" && signed !== "image/bmp";
  if (isBinary && !((signed === "image/webp" || signed === "audio/wav") && !start.startsWith("RIFF")))
    return signed;
  const extension = /\.([A-Za-z0-9]+)$/.exec(path)?.[1]?.toLowerCase() ?? "";
  return (Object.hasOwn(extensions, extension) ? extensions[extension] : undefined) ?? signed ?? ANY;
}
