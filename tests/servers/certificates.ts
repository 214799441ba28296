import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsFiles } from './cluster.mjs';

/** Some builds of the server lack TLS. */
export const knowsTls = process.env.SYNCED_MEMORY_TEST_SERVER === undefined;

/** Certificates for this machine, in a temporary folder. */
export class Certificates {
  readonly #folder = mkdtempSync(join(tmpdir(), 'synced-memory-tls-'));

  /** The path of a file, such as `server.key`. */
  file(name: string): string {
    return join(this.#folder, name);
  }

  /** The text of a file. */
  pem(name: string): string {
    return readFileSync(this.file(name), 'utf8');
  }

  /** Makes an authority `name`.crt. */
  authority(name: string): void {
    const subject = ['-subj', `/CN=${name}`, '-days', '2'];
    const files = ['-keyout', `${name}.key`, '-out', `${name}.crt`];
    this.#openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...subject);
  }

  /** Makes a certificate `name`.crt that `authority` has signed. */
  certificate(name: string, authority: string): void {
    const files = ['-keyout', `${name}.key`, '-out', `${name}.csr`];
    this.#openssl('req', '-newkey', 'rsa:2048', '-nodes', ...files, '-subj', `/CN=${name}`);
    writeFileSync(this.file('extensions'), 'subjectAltName = IP:127.0.0.1, DNS:localhost\n');
    const signer = ['-CA', `${authority}.crt`, '-CAkey', `${authority}.key`, '-CAcreateserial'];
    const signed = ['-in', `${name}.csr`, '-out', `${name}.crt`, '-extfile', 'extensions', '-days', '2'];
    this.#openssl('x509', '-req', ...signed, ...signer);
  }

  /** A server's certificate of a new authority. */
  server(): TlsFiles {
    this.authority('authority');
    this.certificate('server', 'authority');
    const [ca, cert, key] = ['authority.crt', 'server.crt', 'server.key'].map((name) => this.file(name));
    return { ca: String(ca), cert: String(cert), key: String(key) };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: 'pipe' });
  }
}
