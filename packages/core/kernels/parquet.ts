/** All kernels of the Parquet encoder and decoder: one module, because each instance takes 10 GB of addresses. */
export * from "./integers";
export * from "./snappy";
export * from "./texts";
export * from "./words";
