-- Prints what wrk measured as one line of JSON.
done = function(summary, latency, requests)
  io.write(string.format(
    'RESULT {"requests": %d, "us": %d, "bytes": %d, "p50_us": %d, "p99_us": %d, "failed": %d}\n',
    summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99),
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout))
end
