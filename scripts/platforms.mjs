// The platforms that the addon is built for.

const platform = (os, cpu, triple, libc) => ({
  name: [os, cpu, ...(libc ? [libc === 'glibc' ? 'gnu' : libc] : [])].join('-'),
  os,
  cpu,
  triple,
  ...(libc && { libc }),
});

export const platforms = [
  platform('linux', 'x64', 'x86_64-unknown-linux-gnu', 'glibc'),
  platform('linux', 'x64', 'x86_64-unknown-linux-musl', 'musl'),
  platform('linux', 'arm64', 'aarch64-unknown-linux-gnu', 'glibc'),
  platform('linux', 'arm64', 'aarch64-unknown-linux-musl', 'musl'),
  platform('darwin', 'x64', 'x86_64-apple-darwin'),
  platform('darwin', 'arm64', 'aarch64-apple-darwin'),
  platform('win32', 'x64', 'x86_64-pc-windows-msvc'),
  platform('win32', 'arm64', 'aarch64-pc-windows-msvc'),
];

/** The platform that this process runs on; undefined where the addon is not built for it. */
export function hostPlatform() {
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  const libc = header.glibcVersionRuntime ? 'glibc' : 'musl';
  return platforms.find(
    (one) => one.os === process.platform && one.cpu === process.arch && (one.libc ?? libc) === libc,
  );
}
