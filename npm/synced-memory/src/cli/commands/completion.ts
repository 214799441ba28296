import { type Command, commonOptions } from '../command.js';
import { usageError } from '../failure.js';
import { print } from '../terminal.js';

/** Makes the command that prints completion scripts for the other commands. */
export function completionOf(others: readonly Command[]): Command {
  const completion: Command = {
    name: 'completion',
    usage: 'bash|zsh',
    arity: [1, 1],
    summary: 'print a completion script for a shell',
    details: [
      'bash: eval "$(synced-memory completion bash)", in ~/.bashrc.',
      'zsh:  eval "$(synced-memory completion zsh)", in ~/.zshrc, after compinit.',
      'It completes commands, options, and the names of files after export and import.',
    ],

    async run({ args }) {
      const scripts: Record<string, (all: readonly Command[]) => string> = { bash: bashScript, zsh: zshScript };
      const script = Object.hasOwn(scripts, args[0] as string) ? scripts[args[0] as string] : undefined;
      if (script === undefined) throw usageError(`there is no completion for ${args[0]}; write bash or zsh`);
      print(script([...others, completion]));
      return undefined;
    },
  };
  return completion;
}

const optionNames = ({ options }: Command): string[] =>
  Object.keys({ ...options, ...commonOptions }).map((name) => `--${name}`);

function bashScript(all: readonly Command[]): string {
  const cases = all.map((command) => `    ${command.name}) words="${optionNames(command).join(' ')}" ;;`);
  return `_synced_memory() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${all.map(({ name }) => name).join(' ')}" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _synced_memory synced-memory`;
}

function zshScript(all: readonly Command[]): string {
  const quote = (text: string): string => text.replaceAll("'", "'\\''").replaceAll(':', '\\:');
  const names = all.map(({ name, summary }) => `    '${name}:${quote(summary)}'`);
  const cases = all.map((command) => `    ${command.name}) compadd -- ${optionNames(command).join(' ')} ;;`);
  return `_synced_memory() {
  local -a commands=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  if [[ "$PREFIX" != -* ]]; then
    _files
    return
  fi
  case "$words[2]" in
${cases.join('\n')}
  esac
}
compdef _synced_memory synced-memory`;
}
