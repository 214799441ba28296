import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { Banner } from './banner.js';
import { ChangeFeed } from './changes/change-feed.js';
import { AddDialog } from './edit/add-dialog.js';
import { Notice } from './edit/own-edits.js';
import { ValueDialog } from './edit/value-dialog.js';
import { incidents, status } from './events.js';
import { HistoryDialog } from './history/history-dialog.js';
import { IncidentList } from './incidents.js';
import { ProcessPanel } from './process/process-panel.js';
import { TreePanel } from './tree/tree-panel.js';

/** Beside the tree there is room for another panel. */
const wide = matchMedia('(min-width: 1000px)');
const isWide = signal(wide.matches);
wide.addEventListener('change', ({ matches }) => {
  isWide.value = matches;
});

type Tab = 'attributes' | 'changes' | 'incidents' | 'process';
const selected = signal<Tab>('attributes');

const labels: Record<Tab, string> = {
  attributes: 'Attributes',
  changes: 'Changes',
  incidents: 'Incidents',
  process: 'Process',
};

const panels: Record<Tab, () => JSX.Element> = {
  attributes: TreePanel,
  changes: ChangeFeed,
  incidents: IncidentList,
  process: ProcessPanel,
};

/** The whole page. */
export function App() {
  const tabs: Tab[] = isWide.value ? ['changes', 'incidents', 'process'] : (Object.keys(labels) as Tab[]);
  const tab = tabs.includes(selected.value) ? selected.value : (tabs[0] as Tab);
  const Panel = panels[tab];
  return (
    <>
      <header class="top">
        <h1>synced-memory</h1>
        <Summary />
        <TabList tabs={tabs} tab={tab} />
      </header>
      <Banner />
      <main class={isWide.value ? 'columns' : 'single'}>
        {isWide.value && <TreePanel />}
        <div class="panel" role="tabpanel" id="panel" aria-labelledby={`tab-${tab}`}>
          <Panel />
        </div>
      </main>
      <Notice />
      <ValueDialog />
      <AddDialog />
      <HistoryDialog />
    </>
  );
}

function Summary() {
  const { state = 'connecting', backend = '', pending = 0 } = status.value ?? {};
  return (
    <p class="summary">
      <span class={`state ${state}`}>{state}</span>
      {backend !== '' && <span class="muted">{backend}</span>}
      {pending > 0 && <span class="pending">{pending} pending</span>}
    </p>
  );
}

function TabList({ tabs, tab }: { tabs: readonly Tab[]; tab: Tab }) {
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length] as Tab;
    selected.value = next;
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Panels">
      {tabs.map((each) => (
        <button
          key={each}
          type="button"
          role="tab"
          id={`tab-${each}`}
          aria-selected={each === tab}
          aria-controls="panel"
          tabIndex={each === tab ? 0 : -1}
          onClick={() => {
            selected.value = each;
          }}
          onKeyDown={move}
        >
          {labels[each]}
          {each === 'incidents' && incidents.value.length > 0 && <span class="badge">{incidents.value.length}</span>}
        </button>
      ))}
    </div>
  );
}
