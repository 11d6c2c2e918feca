/** Milliseconds by the machine's monotonic clock: the same in every process of it. */
export const nowMs = () => Number(process.hrtime.bigint()) / 1e6;
