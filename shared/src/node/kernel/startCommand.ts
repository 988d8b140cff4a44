import { type ChildProcess, spawn } from 'node:child_process'

/** What is started: plain data, so that it can be handed to another thread. */
export interface CommandOrder {
  /** The program first. */
  readonly argv: readonly string[]
  readonly input: string
  readonly cwd: string | undefined
  /** That of this process where none is given. */
  readonly env: NodeJS.ProcessEnv | undefined
  readonly detached: boolean
}

/** How it ended. */
export interface CommandEnd {
  readonly stdout: string
  readonly stderr: string
  /** Exit code, or null when it did not exit by itself. */
  readonly code: number | null
  /** The signal that ended it. */
  readonly signal: string | null
  readonly isTooMuch: boolean
  /** Why it did not start at all. */
  readonly notStarted: { readonly code: string | undefined; readonly message: string } | undefined
}

export interface RunningCommand {
  /** Never rejects. */
  readonly ended: Promise<CommandEnd>
  /** Ends it, and what it started. */
  stop(): void
}

/** More output than this is a command that was misunderstood, not an answer. */
export const outputLimit = 64 * 1024 * 1024

/** Starts a command. The thread that does so stands still until the program runs, which on a busy machine takes its time. */
export function startCommand({ argv, input, cwd, env, detached }: CommandOrder): RunningCommand {
  const [program = '', ...args] = argv
  let child: ChildProcess
  try {
    child = spawn(program, args, {
      cwd,
      env: env ?? process.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached,
    })
  } catch (error) {
    return { ended: Promise.resolve(unstarted(error as NodeJS.ErrnoException)), stop: () => {} }
  }
  const out: Buffer[] = []
  const err: Buffer[] = []
  let size = 0
  let isTooMuch = false
  const stop = () => killWithDescendants(child, detached)
  const gather = (into: Buffer[]) => (chunk: Buffer) => {
    size += chunk.length
    if (size <= outputLimit) into.push(chunk)
    else {
      isTooMuch = true
      stop()
    }
  }
  child.stdout?.on('data', gather(out))
  child.stderr?.on('data', gather(err))
  // A command may exit before it read its input; what counts is its exit code.
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  const ended = new Promise<CommandEnd>((resolve) => {
    child.on('error', (error) => resolve(unstarted(error)))
    child.on('close', (code, signal) => {
      const [stdout, stderr] = [out, err].map((chunks) => Buffer.concat(chunks).toString('utf8'))
      resolve({ stdout: stdout ?? '', stderr: stderr ?? '', code, signal, isTooMuch, notStarted: undefined })
    })
  })
  return { ended, stop }
}

const unstarted = ({ code, message }: NodeJS.ErrnoException): CommandEnd => ({
  ...{ stdout: '', stderr: '', code: null, signal: null, isTooMuch: false },
  notStarted: { code, message },
})

/** What a script started ends with it: it holds the script's output open, and the caller waits for that. */
function killWithDescendants({ pid }: ChildProcess, isGroupLeader: boolean): void {
  if (pid === undefined) return
  try {
    process.kill(isGroupLeader ? -pid : pid, 'SIGKILL')
  } catch {
    // It ended in this moment.
  }
}
