// Loaded before a measured script: its last line says what the whole process used.
process.on("exit", () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  process.stdout.write(
    `${JSON.stringify({ cpu_s: (userCPUTime + systemCPUTime) / 1e6, peak_rss_mib: maxRSS / 1024 })}\n`,
  );
});
