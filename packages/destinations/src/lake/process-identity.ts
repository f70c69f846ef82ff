import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** A process, as another one on the same machine can recognise it. */
export interface ProcessIdentity {
  /** Machine, boot and (in containers) process namespace: only within the same one does `process` mean anything. */
  readonly host: string;
  readonly process: number;
  /** When the process began, in the kernel's ticks, because numbers are used again; empty where unknown. */
  readonly began: string;
}

function optional(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return "";
  }
}

// Field 22 of proc(5) `stat`; the second one, the program's name, may hold spaces and brackets.
function beganAt(process: number): string {
  const stat = optional(() => readFileSync(`/proc/${process}/stat`, "utf8"));
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

/** This process. */
export function ownProcess(): ProcessIdentity {
  const boot = optional(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"));
  const namespace = optional(() => readlinkSync("/proc/self/ns/pid"));
  return { host: `${hostname()}/${boot}/${namespace}`, process: process.pid, began: beganAt(process.pid) };
}

/** Whether `other` is certainly gone: it ran on this machine and does no longer. Of another machine nothing is known. */
export function isGone(other: Partial<ProcessIdentity>): boolean {
  const own = ownProcess();
  if (other.host !== own.host || typeof other.process !== "number" || other.process <= 0) return false;
  try {
    process.kill(other.process, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
  const began = beganAt(other.process);
  return began !== "" && other.began !== undefined && other.began !== "" && began !== other.began;
}
