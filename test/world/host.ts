import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { applyRuleset, type CommandOptions, type CommandResult, runCommand } from '@pontage/shared/node'
import { Program } from './program.js'
import { builtProgram } from './repository.js'

/** A machine of the world: a network namespace with one link to the internet and a home folder. */
export class Host {
  private started = 0
  readonly programs: Program[] = []

  constructor(
    readonly name: string,
    /** Network namespace, and the name of the router's end of its link. */
    readonly netns: string,
    /** The one that the world prefers: IPv4 where it has both. */
    readonly address: string,
    readonly address6: string,
    readonly home: string,
    /** Holds how many milliseconds its programs' clocks are ahead; undefined where they are right. */
    private readonly aheadFile?: string,
  ) {
    mkdirSync(home, { recursive: true })
  }

  /** Its address and a port, as in a url. */
  at(port: number): string {
    return this.address.includes(':') ? `[${this.address}]:${port}` : `${this.address}:${port}`
  }

  /** Its only interface besides the loopback. */
  readonly device = 'eth0'

  /** Starts a program here, with this host's home folder, and keeps its output. */
  start(
    command: readonly string[],
    options: {
      readonly env?: NodeJS.ProcessEnv
      readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void
    } = {},
  ): Program {
    this.started += 1
    const label = (command[0] === process.execPath ? command[1] : command[0])?.split('/').at(-1) ?? 'program'
    const program = Program.start(`${this.name}: ${label}`, ['ip', 'netns', 'exec', this.netns, ...command], {
      logBase: join(this.home, `${this.started}-${label}`),
      env: this.environment(options.env),
      cwd: this.home,
      ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
    })
    this.programs.push(program)
    return program
  }

  /** Runs a command here to its end. @throws CommandFailed as `runCommand`. */
  run(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand(command, {
      ...options,
      netns: this.netns,
      cwd: options.cwd ?? this.home,
      env: this.environment(options.env),
    })
  }

  /** Applies a ruleset here, for the counting and breaking that a test does from outside. */
  firewall(text: string): Promise<void> {
    return applyRuleset(text, { netns: this.netns })
  }

  /** Stops what was started here and still runs, the last first. */
  async stopAll(): Promise<void> {
    for (const program of [...this.programs].reverse())
      if (program.running) await program.stop('SIGTERM', 5_000)
  }

  private environment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    const { PATH, LANG, TERM } = process.env
    const clock = this.aheadFile && {
      NODE_OPTIONS: `--import=${builtProgram('actors/ahead.js')}`,
      PONTAGE_AHEAD_FILE: this.aheadFile,
    }
    return { PATH, LANG, TERM, HOME: this.home, ...clock, ...extra }
  }
}
