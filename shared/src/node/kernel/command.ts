import { type ChildProcess, spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

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
/** More output than this is a command that was misunderstood, not an answer. */
const outputLimit = 64 * 1024 * 1024

/**
 * Runs one command to its end. The arguments go to the kernel as they are: no shell reads them.
 *
 * @param command - The program, then its arguments. They show up in errors and in `ps`: no secrets here.
 * @throws CommandFailed with command line, exit code and standard error.
 *
 * @example
 * const { stdout } = await runCommand(['ip', '-json', 'link', 'show'])
 */
export function runCommand(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const argv = options.netns === undefined ? command : ['ip', 'netns', 'exec', options.netns, ...command]
  const [program, ...args] = argv
  if (program === undefined) throw new TypeError('runCommand was given an empty command.')
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: options.detached ?? true,
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    let size = 0
    let stopped: CommandProblem | undefined
    const stop = (problem: CommandProblem) => {
      stopped ??= problem
      killWithDescendants(child, options.detached ?? true)
    }
    const timer = setTimeout(() => stop('timed-out'), timeoutMs)
    const onAbort = () => stop('aborted')
    const settle = () => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', onAbort)
    }
    const gather = (into: Buffer[]) => (chunk: Buffer) => {
      size += chunk.length
      if (size > outputLimit) stop('too-much-output')
      else into.push(chunk)
    }
    child.stdout.on('data', gather(out))
    child.stderr.on('data', gather(err))
    // A command may exit before it read its input; what counts is its exit code.
    child.stdin.on('error', () => {})
    child.on('error', (cause: NodeJS.ErrnoException) => {
      settle()
      const problem = cause.code === 'ENOENT' ? 'not-found' : 'killed'
      reject(new CommandFailed(problem, argv, null, '', startFailure(program, cause), { cause }))
    })
    child.on('close', (code, signal) => {
      settle()
      const stdout = Buffer.concat(out).toString('utf8')
      const stderr = Buffer.concat(err).toString('utf8')
      if (code === 0 && stopped === undefined) return resolve({ stdout, stderr })
      const problem = stopped ?? (code === null ? 'killed' : 'exited')
      const how = describeEnd(problem, code, signal, timeoutMs)
      const said = stderr.trim() === '' ? '' : `: ${stderr.trim()}`
      reject(new CommandFailed(problem, argv, code, stderr, `\`${commandLine(argv)}\` ${how}${said}`))
    })
    if (options.signal?.aborted) onAbort()
    else options.signal?.addEventListener('abort', onAbort, { once: true })
    child.stdin.end(options.input ?? '')
  })
}

/** What a script started ends with it: it holds the script's output open, and the caller waits for that. */
function killWithDescendants({ pid }: ChildProcess, isGroupLeader: boolean): void {
  if (pid === undefined) return
  try {
    process.kill(isGroupLeader ? -pid : pid, 'SIGKILL')
  } catch {
    // It ended in this moment.
  }
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

function startFailure(program: string, cause: NodeJS.ErrnoException): string {
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
