import { Buffer } from "node:buffer";
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";

/** A certificate with its key, both as PEM, and what signs others in its name. */
export interface Certificate {
  readonly pem: string;
  readonly keyPem: string;
  readonly name: string;
  readonly key: KeyObject;
}

/** What a certificate says. */
export interface CertificateOptions {
  /** The common name. */
  readonly name: string;
  /** Who signs it. @default itself, as an authority */
  readonly issuer?: Certificate;
  /** Host names that it is for. */
  readonly hosts?: readonly string[];
  /** IPv4 addresses that it is for. */
  readonly addresses?: readonly string[];
  /** @default in a day */
  readonly until?: Date;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const ECDSA_WITH_SHA256 = oid(1, 2, 840, 10045, 4, 3, 2);
const COMMON_NAME = oid(2, 5, 4, 3);
const BASIC_CONSTRAINTS = oid(2, 5, 29, 19);
const SUBJECT_ALT_NAME = oid(2, 5, 29, 17);

/** An element in DER (ITU-T X.690): tag, length, contents. */
function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  if (body.length < 128) return Buffer.concat([Buffer.of(tag, body.length), body]);
  const size = body.length < 256 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.of(tag, ...size), body]);
}

function oid(first: number, second: number, ...rest: readonly number[]): Buffer {
  const bytes = rest.flatMap((arc) => {
    const digits = [arc & 127];
    for (let left = arc >> 7; left > 0; left >>= 7) digits.unshift(0x80 | (left & 127));
    return digits;
  });
  return der(0x06, Buffer.of(first * 40 + second, ...bytes));
}

function nameOf(name: string): Buffer {
  return der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(0x0c, Buffer.from(name)))));
}

function time(date: Date): Buffer {
  return der(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replace(/[-:T]/g, "")}Z`));
}

function pem(kind: string, bytes: Buffer): string {
  return `-----BEGIN ${kind}-----\n${bytes.toString("base64").replace(/.{64}/g, "$&\n")}\n-----END ${kind}-----\n`;
}

/** Makes a certificate (X.509 version 3, RFC 5280) over a new key on P-256. */
export function createCertificate(options: CertificateOptions): Certificate {
  const { name, issuer, hosts = [], addresses = [] } = options;
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const day = 86_400_000;
  const until = options.until ?? new Date(Date.now() + day);
  const alternatives = [
    ...hosts.map((host) => der(0x82, Buffer.from(host))),
    ...addresses.map((address) => der(0x87, Buffer.from(address.split(".").map(Number)))),
  ];
  const extensions = [
    ...(issuer === undefined
      ? [
          der(
            SEQUENCE,
            BASIC_CONSTRAINTS,
            der(0x01, Buffer.of(0xff)),
            der(0x04, der(SEQUENCE, der(0x01, Buffer.of(0xff)))),
          ),
        ]
      : []),
    ...(alternatives.length > 0
      ? [der(SEQUENCE, SUBJECT_ALT_NAME, der(0x04, der(SEQUENCE, ...alternatives)))]
      : []),
  ];
  const algorithm = der(SEQUENCE, ECDSA_WITH_SHA256);
  const body = der(
    SEQUENCE,
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(1 + Math.floor(Math.random() * 127))),
    algorithm,
    nameOf(issuer?.name ?? name),
    der(SEQUENCE, time(new Date(until.getTime() - 30 * day)), time(until)),
    nameOf(name),
    publicKey.export({ type: "spki", format: "der" }),
    ...(extensions.length > 0 ? [der(0xa3, der(SEQUENCE, ...extensions))] : []),
  );
  const signature = sign("sha256", body, issuer?.key ?? privateKey);
  return {
    pem: pem("CERTIFICATE", der(SEQUENCE, body, algorithm, der(0x03, Buffer.of(0), signature))),
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    name,
    key: privateKey,
  };
}
