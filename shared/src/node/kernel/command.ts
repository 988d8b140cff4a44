import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { startCommandSomewhere } from './commandsAside.js'
import { outputLimit } from './startCommand.js'

/** How a command is run; every field may be left out. */
export interface CommandOptions {
  /** Text for the command's standard input. The only place for a secret: it appears in no error and no log. */
  readonly input?: string
  /** Milliseconds after which the command is killed and the call fails. Default 30,000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Network namespace (as `ip netns` names it) in which the command runs. */
  readonly netns?: string
  /** A session of its own for the command, so that Ctrl-C at our terminal reaches us alone. Default true. */
  readonly detached?: boolean
}

/** What a command that exited with 0 left behind. */
export interface CommandResult {
  readonly stdout: string
  readonly stderr: string
}

/** Why a command did not succeed. */
export type CommandProblem = 'not-found' | 'exited' | 'killed' | 'timed-out' | 'aborted' | 'too-much-output'

/** A command that did not start, was stopped, or exited with another code than 0. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
  constructor(
    readonly problem: CommandProblem,
    /** The arguments as they were given, the program first. */
    readonly command: readonly string[],
    /** Exit code, or null when it did not exit by itself. */
    readonly exitCode: number | null,
    readonly stderr: string,
    sentence: string,
    options?: ErrorOptions,
  ) {
    super(sentence, options)
  }
}

const defaultTimeoutMs = 30_000

/**
 * Runs one command to its end. The arguments go to the kernel as they are: no shell reads them.
 *
 * @param command - The program, then its arguments. They show up in errors and in `ps`: no secrets here.
 * @throws CommandFailed with command line, exit code and standard error.
 *
 * @example
 * const { stdout } = await runCommand(['ip', '-json', 'link', 'show'])
 */
export async function runCommand(
  command: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { netns, cwd, env, signal, input = '', timeoutMs = defaultTimeoutMs, detached = true } = options
  const argv = netns === undefined ? command : ['ip', 'netns', 'exec', netns, ...command]
  const [program] = argv
  if (program === undefined) throw new TypeError('runCommand was given an empty command.')
  const running = startCommandSomewhere({ argv, input, cwd, env, detached })
  let stopped: CommandProblem | undefined
  const stop = (problem: CommandProblem) => {
    stopped ??= problem
    running.stop()
  }
  const timer = setTimeout(() => stop('timed-out'), timeoutMs)
  const onAbort = () => stop('aborted')
  if (signal?.aborted) onAbort()
  else signal?.addEventListener('abort', onAbort, { once: true })
  const { stdout, stderr, code, signal: endedBy, isTooMuch, notStarted } = await running.ended
  clearTimeout(timer)
  signal?.removeEventListener('abort', onAbort)
  if (notStarted !== undefined) {
    const problem = notStarted.code === 'ENOENT' ? 'not-found' : 'killed'
    const cause = Object.assign(new Error(notStarted.message), { code: notStarted.code })
    throw new CommandFailed(problem, argv, null, '', startFailure(program, cause), { cause })
  }
  if (isTooMuch) stopped ??= 'too-much-output'
  if (code === 0 && stopped === undefined) return { stdout, stderr }
  const problem = stopped ?? (code === null ? 'killed' : 'exited')
  const how = describeEnd(problem, code, endedBy, timeoutMs)
  const said = stderr.trim() === '' ? '' : `: ${stderr.trim()}`
  throw new CommandFailed(problem, argv, code, stderr, `\`${commandLine(argv)}\` ${how}${said}`)
}

/** The command as a person would type it, for messages only. */
export function commandLine(command: readonly string[]): string {
  return command
    .map((part) => (/^[\w@%+=:,./-]+$/.test(part) ? part : `'${part.replaceAll("'", "'\\''")}'`))
    .join(' ')
}

/** Whether a program of this name can be started from PATH. */
export async function commandExists(program: string): Promise<boolean> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder === '') continue
    const found = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return true
  }
  return false
}

function startFailure(program: string, cause: { code: string | undefined; message: string }): string {
  if (cause.code === 'ENOENT')
    return `The program ${program} was not found. Install it (npm run setup does) or add its folder to PATH.`
  return `The program ${program} could not be started (${cause.code ?? cause.message}).`
}

function describeEnd(
  problem: CommandProblem,
  code: number | null,
  signal: string | null,
  timeoutMs: number,
): string {
  switch (problem) {
    case 'timed-out':
      return `did not finish within ${timeoutMs} ms and was stopped`
    case 'aborted':
      return 'was stopped because its caller gave up'
    case 'too-much-output':
      return `printed more than ${outputLimit} bytes and was stopped`
    case 'killed':
      return `was ended by ${signal ?? 'a signal'}`
    default:
      return `exited with ${code}`
  }
}
