// A conversation that two processes have: `agent SESSION` answers whatever is said, `say SESSION TEXT…` says something
// and prints the answer.
import { Memory } from 'synced-memory';

interface Message {
  role: 'user' | 'assistant';
  text: string;
}

/** Number of messages that a conversation keeps, and its lifetime in seconds after the last one. */
const [kept, ttl] = [20, 3600];
const [role, session = 'demo', ...words] = process.argv.slice(2);

await using memory = await Memory.open<Record<string, never>>();
await using chat = await memory.$scope<{ messages: Message[] }>(session, { defaults: { messages: [] }, ttl });
const { messages } = chat;

function add(message: Message): void {
  messages.push(message);
  if (messages.length > kept) messages.splice(0, messages.length - kept);
}

/** The messages that others add from now on. */
async function* remoteMessages(): AsyncGenerator<Message> {
  for await (const { kind, value, origin } of chat.$changes('messages')) {
    if (kind === 'splice' && origin === 'remote') yield* value as readonly Message[];
  }
}

if (role === 'agent') {
  console.log('listening');
  for await (const { role, text } of remoteMessages()) {
    // Here a model would be asked, with `chat.$snapshot('messages')` for its context.
    if (role === 'user')
      add({ role: 'assistant', text: `You said "${text}", and ${messages.length} messages are kept.` });
  }
} else {
  const answers = remoteMessages();
  const answer = answers.next();
  add({ role: 'user', text: words.join(' ') });
  console.log((await answer).value?.text);
}
