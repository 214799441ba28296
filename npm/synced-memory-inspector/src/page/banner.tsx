import { link, status } from './events.js';

/** Says why what the page shows may be old. */
export function Banner() {
  const text = bannerText();
  return (
    <div role="status" class={text === undefined ? 'banner none' : 'banner'}>
      {text}
    </div>
  );
}

function bannerText(): string | undefined {
  if (link.value === 'refused') {
    return 'Another process answers here, or the token is not valid any more. Open the URL that it has printed.';
  }
  if (link.value === 'lost') {
    return 'The process that serves this page is away. What you see is from before; the page goes on when it is back.';
  }
  const { state, lastError } = status.value ?? {};
  if (state === 'disconnected') return `The memory has no connection to its server. ${lastError ?? ''}`;
  return state === 'closed' ? 'The memory is closed.' : undefined;
}
