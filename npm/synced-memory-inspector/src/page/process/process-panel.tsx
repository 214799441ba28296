import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { hasWriters, status } from '../events.js';
import { numberText, sizeText } from '../format.js';
import { ask } from '../request.js';
import { Plots } from './plots.js';

/** How often the list of writers is asked for, in milliseconds. */
const WRITERS_MS = 10_000;

/** The state of the process that serves the page. */
export function ProcessPanel() {
  const now = status.value;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: keys scroll it
    <section class="scroller process" aria-label="Process" tabIndex={0}>
      <Plots />
      {now !== undefined && (
        <>
          <h2>This process</h2>
          <dl>
            <Fact name="State" value={now.state} />
            <Fact name="Backend" value={now.backend} />
            <Fact name="Pending" value={`${numberText(now.pending)} mutations, ${sizeText(now.pendingBytes)}`} />
            {now.lastError !== undefined && <Fact name="Last error" value={now.lastError} />}
            <Names name="Not loaded" names={now.unknown} />
            <Names name="From the journal" names={now.stale} />
            <Names name="Unreadable" names={now.unreadable} />
          </dl>
          <Facts title="Capabilities" facts={now.capabilities} />
          <Facts title="Side keys" facts={now.sideKeys} />
        </>
      )}
      {hasWriters.value && <Writers />}
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Names({ name, names }: { name: string; names: readonly string[] }) {
  return names.length === 0 ? null : <Fact name={name} value={names.join(', ')} />;
}

function Facts({ title, facts }: { title: string; facts: Readonly<Record<string, unknown>> | undefined }) {
  if (facts === undefined) return null;
  return (
    <>
      <h2>{title}</h2>
      <dl>
        {Object.entries(facts).map(([name, value]) => (
          <Fact key={name} name={name} value={String(value)} />
        ))}
      </dl>
    </>
  );
}

const writers = signal<readonly Record<string, unknown>[]>([]);

/** The processes that have the memory open. */
function Writers() {
  useEffect(() => {
    const read = async () => {
      writers.value = await ask<'writers'>({ op: 'writers' }).catch(() => writers.value);
    };
    void read();
    const timer = setInterval(read, WRITERS_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <>
      <h2>Writers</h2>
      {writers.value.map((writer) => (
        <dl key={String(writer.id)}>
          {Object.entries(writer).map(([name, value]) => (
            <Fact key={name} name={name} value={String(value)} />
          ))}
        </dl>
      ))}
      {writers.value.length === 0 && <p class="hint">No process has a label.</p>}
    </>
  );
}
