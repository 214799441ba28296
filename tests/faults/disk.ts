import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BLOCK_BYTES = 4096;

/** A small disk of its own, that can be full, read-only or broken. To mount it takes the rights of root on Linux. */
export class Disk {
  private constructor(
    readonly folder: string,
    /** The file system to mount, as arguments of `mount`. */
    private readonly source: readonly string[],
    private readonly image?: string,
  ) {
    this.mount();
  }

  private fillers = 0;

  /** A disk of 2 MB in memory. */
  static inMemory(): Disk {
    return new Disk(newFolder(), ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs']);
  }

  /** A disk of 4 MB in a file, which keeps its content while it is not mounted. */
  static inFile(): Disk {
    const folder = newFolder();
    const image = `${folder}.img`;
    writeFileSync(image, Buffer.alloc(4 << 20));
    execFileSync('mkfs.ext4', ['-q', '-F', image]);
    return new Disk(folder, ['-t', 'ext4', '-o', 'loop', image], image);
  }

  mount(): void {
    execFileSync('mount', [...this.source, this.folder]);
  }

  unmount(): void {
    execFileSync('umount', [this.folder]);
  }

  /** Uses all space. */
  fill(): void {
    for (;;) {
      try {
        writeFileSync(join(this.folder, `filler${this.fillers}`), Buffer.alloc(BLOCK_BYTES));
        this.fillers++;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
        throw error;
      }
    }
  }

  /** Frees the space that `fill` has used. */
  free(): void {
    // The last one has no content.
    for (; this.fillers >= 0; this.fillers--) rmSync(join(this.folder, `filler${this.fillers}`), { force: true });
    this.fillers = 0;
  }

  /** Of a disk on which no file is open for writing. */
  setMode(mode: 'ro' | 'rw'): void {
    execFileSync('mount', ['-o', `remount,${mode}`, this.folder]);
  }

  /** Makes a disk in a file read-only under open files, as the kernel does after an error of the disk. */
  breakDown(): void {
    execFileSync('mount', ['-o', 'remount,abort', this.folder]);
  }

  remove(): void {
    // Lazily: a test that failed may have files open.
    spawnSync('umount', ['--lazy', this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
    if (this.image !== undefined) rmSync(this.image, { force: true });
  }
}

/** Why there can be no disk here; undefined where there can. */
export const whyNoDisk = findObstacle(() => Disk.inMemory());
/** Why there can be no disk in a file here; undefined where there can. */
export const whyNoDiskInFile = whyNoDisk ?? findObstacle(() => Disk.inFile());

function findObstacle(make: () => Disk): string | undefined {
  if (process.platform !== 'linux') return 'disks are mounted on Linux only';
  if (process.getuid?.() !== 0) return 'mounting a disk takes the rights of root';
  try {
    make().remove();
    return undefined;
  } catch (error) {
    return `no disk can be mounted here: ${(error as Error).message}`;
  }
}

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'synced-memory-disk-'));
}
