import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Address, address } from '@pontage/shared'
import { startTestChain, type TestChain } from './app/world.fixture.js'

const from = (path: string) => fileURLToPath(new URL(path, import.meta.url))
export const program = from('../bin/pontage-hub')

/** How a command ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The built program on a chain of its own, with a home that init made. */
export interface ProgramWorld {
  readonly world: TestChain
  readonly home: string
  readonly hub: Address
  /** Runs one command to its end. */
  run(...args: string[]): Promise<Ended>
  /** Runs a command on the home that must succeed, and reads the JSON it prints. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever the command prints.
  json(...args: string[]): Promise<any>
  /** Starts the hub and waits until it listens. */
  start(...flags: string[]): Promise<{ child: ChildProcess; port: number; lines: string[] }>
  /** Kills the hubs that still run. */
  stopAll(): Promise<void>
  close(): Promise<void>
}

/** Resolves with the exit code of a process. */
export const ended = (child: ChildProcess): Promise<number | null> =>
  child.exitCode === null && child.signalCode === null
    ? new Promise((resolve) => child.once('exit', resolve))
    : Promise.resolve(child.exitCode)

export async function startProgramWorld(): Promise<ProgramWorld> {
  // The program as it is installed: built, not transformed by the test runner.
  const built = await new Promise<unknown>((resolve) =>
    execFile(from('../../node_modules/.bin/tsc'), ['-b', from('..')], { cwd: from('../..') }, resolve),
  )
  if (built !== null || !existsSync(from('../dist/main.js')))
    throw new Error('The hub cannot be built.', { cause: built })
  const world = await startTestChain()
  const home = join(world.folder, 'home')
  const running: ChildProcess[] = []
  const run: ProgramWorld['run'] = (...args) =>
    new Promise((resolve) => {
      execFile(program, args, (error, stdout, stderr) =>
        resolve({ code: error ? (error.code as number) : 0, stdout, stderr }),
      )
    })
  await writeFile(join(world.folder, 'password'), 'correct horse\n', { mode: 0o600 })
  const made = await run(
    ...['init', '--json', '--home', home, '--password-file', join(world.folder, 'password')],
    ...['--rpc', world.rpcUrl, '--deployment', world.deploymentFile, '--confirmations', '0'],
  )
  if (made.stderr !== '') throw new Error(made.stderr)
  return {
    world,
    home,
    hub: address(JSON.parse(made.stdout).address),
    run,
    async json(...args) {
      const { code, stdout, stderr } = await run(...args, '--json', '--home', home)
      if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stderr}`)
      const { schema, units, ...said } = JSON.parse(stdout)
      if (schema !== 1 || (/"\d{11,}"/.test(stdout) && units === undefined))
        throw new Error(`${args.join(' ')} does not keep to docs/json.md: ${stdout}`)
      return said
    },
    start(...flags) {
      // What init was given is in the configuration: no command needs it again.
      const child = spawn(program, [
        ...['run', '--home', home, '--poll-ms', '50'],
        ...['--host', '127.0.0.1', '--port', '0', ...flags],
      ])
      running.push(child)
      const lines: string[] = []
      return new Promise((resolve, reject) => {
        createInterface({ input: child.stderr }).on('line', (line) => {
          lines.push(line)
          // A program that crashes says why in words of its own.
          if (!line.startsWith('{')) return
          const { message, port } = JSON.parse(line) as { message: string; port: number }
          if (message === 'listening') resolve({ child, port, lines })
        })
        child.on('exit', (code) => reject(new Error(`The hub ended with ${code}: ${lines.join('\n')}`)))
      })
    },
    async stopAll() {
      for (const child of running.splice(0)) {
        child.kill('SIGKILL')
        await ended(child)
      }
    },
    close: () => world.close(),
  }
}
