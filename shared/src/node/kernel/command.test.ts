import { describe, expect, it } from 'vitest'
import { CommandFailed, commandExists, commandLine, runCommand } from './command.js'
import { startCommandsAside } from './commandsAside.js'

const failure = async (run: Promise<unknown>): Promise<CommandFailed> => {
  const error = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof CommandFailed)) throw new Error(`expected CommandFailed, got ${String(error)}`)
  return error
}

/** The process whose child a command is. */
const startedBy = async (): Promise<number> => Number((await runCommand(['sh', '-c', 'echo $PPID'])).stdout)

it('has a process of its own start commands where that was asked for, which a signal to all does not end', {
  timeout: 60_000,
}, async () => {
  expect(await startedBy()).toBe(process.pid)
  startCommandsAside()
  await expect.poll(startedBy, { timeout: 30_000 }).not.toBe(process.pid)
  const aside = await startedBy()
  process.kill(aside, 'SIGTERM')
  expect(await startedBy()).toBe(aside)
})

// Here by that process; every other test of this checkout runs its commands without.
describe('runCommand', () => {
  it('hands arguments over unread by any shell', async () => {
    const { stdout } = await runCommand(['printf', '%s|', '$HOME', '`id`', '; true', "it's"])
    expect(stdout).toBe("$HOME|`id`|; true|it's|")
  })

  it('feeds the input text', async () => {
    expect((await runCommand(['cat'], { input: 'one\ntwo' })).stdout).toBe('one\ntwo')
  })

  it('does not fail when the command ends without reading its input', async () => {
    await runCommand(['true'], { input: 'x'.repeat(1_000_000) })
  })

  it('throws command line, exit code and standard error, and never the input', async () => {
    const error = await failure(
      runCommand(['sh', '-c', 'cat >/dev/null; echo broken >&2; exit 3'], { input: 'hunter2' }),
    )
    expect(error.problem).toBe('exited')
    expect(error.exitCode).toBe(3)
    expect(error.stderr).toBe('broken\n')
    expect(error.message).toContain('exited with 3: broken')
    expect(JSON.stringify(error) + error.message).not.toContain('hunter2')
  })

  it('says which program is missing', async () => {
    const error = await failure(runCommand(['pontage-no-such-program']))
    expect(error.problem).toBe('not-found')
    expect(error.message).toContain('pontage-no-such-program was not found')
  })

  it('stops a command at its time limit', async () => {
    const error = await failure(runCommand(['sleep', '30'], { timeoutMs: 50 }))
    expect(error.problem).toBe('timed-out')
    expect(error.message).toContain('within 50 ms')
  })

  it('ends with a command what it started, which holds its output open', { timeout: 15_000 }, async () => {
    const error = await failure(runCommand(['sh', '-c', 'sleep 60 & wait'], { timeoutMs: 200 }))
    expect(error.problem).toBe('timed-out')
  })

  it('stops a command when its caller gives up, also one that gave up before', async () => {
    const controller = new AbortController()
    const run = failure(runCommand(['sleep', '30'], { signal: controller.signal }))
    controller.abort()
    expect((await run).problem).toBe('aborted')
    const late = await failure(runCommand(['sleep', '30'], { signal: AbortSignal.abort() }))
    expect(late.problem).toBe('aborted')
  })
})

it('starts commands without that process once it is gone', { timeout: 60_000 }, async () => {
  const aside = await startedBy()
  const cut = failure(runCommand(['sleep', '30']))
  process.kill(aside, 'SIGKILL')
  expect((await cut).message).toContain('has ended')
  expect(await startedBy()).toBe(process.pid)
})

describe('commandLine', () => {
  it('quotes what a shell would read', () => {
    expect(commandLine(['ip', 'link', 'add', 'a b', "c'd"])).toBe(`ip link add 'a b' 'c'\\''d'`)
  })
})

describe('commandExists', () => {
  it('tells programs on PATH from others', async () => {
    expect(await commandExists('sh')).toBe(true)
    expect(await commandExists('pontage-no-such-program')).toBe(false)
  })
})
