import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createWorld, measureDelivery, repository, startInternet, type World } from '../world/index.js'

/** A world inside this one, with a process that would stay for ever; and what identifies all of its processes. */
async function openInnerWorld() {
  const script = spawn('bash', [
    join(repository, 'scripts', 'world'),
    'sh',
    '-c',
    'sleep 1000 & readlink /proc/self/ns/pid; wait',
  ])
  const [namespace] = (await once(createInterface({ input: script.stdout }), 'line')) as [string]
  return { script, processes: () => processesIn(namespace) }
}

/** Whether it holds of a process; not of one that ended while we looked. */
function holdsOf(pid: number, condition: (status: string) => boolean): boolean {
  try {
    return condition(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

const processesIn = (namespace: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) =>
      holdsOf(
        pid,
        (status) => !/^State:\tZ/m.test(status) && readlinkSync(`/proc/${pid}/ns/pid`) === namespace,
      ),
    )

async function gone(processes: () => number[]): Promise<boolean> {
  for (let look = 0; look < 100; look += 1) {
    if (processes().length === 0) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}

describe('a world of its own', () => {
  it('vanishes when the script that made it is killed', async () => {
    const { script, processes } = await openInnerWorld()
    expect(processes().length).toBeGreaterThanOrEqual(2)
    script.kill('SIGKILL')
    expect(await gone(processes)).toBe(true)
  })

  it('vanishes when its first process is killed', async () => {
    const { script, processes } = await openInnerWorld()
    const first = processes().find((pid) => holdsOf(pid, (status) => /^NSpid:.*\t1$/m.test(status)))
    expect(first).toBeDefined()
    process.kill(first ?? 0, 'SIGKILL')
    expect(await gone(processes)).toBe(true)
    expect(script.exitCode ?? (await once(script, 'exit'))[0]).not.toBe(0)
  })

  it('vanishes when whoever started the script is killed', async () => {
    const starter = spawn('sh', [
      '-c',
      `bash ${join(repository, 'scripts', 'world')} sh -c 'readlink /proc/self/ns/pid; sleep 1000'; true`,
    ])
    const [namespace] = (await once(createInterface({ input: starter.stdout }), 'line')) as [string]
    expect(processesIn(namespace).length).toBeGreaterThanOrEqual(1)
    starter.kill('SIGKILL')
    expect(await gone(() => processesIn(namespace))).toBe(true)
  })

  it('hands the exit code of its command out', async () => {
    const script = spawn('bash', [join(repository, 'scripts', 'world'), 'sh', '-c', 'exit 7'])
    expect((await once(script, 'exit'))[0]).toBe(7)
  })
})

describe('the meter of what was delivered', () => {
  let world: World
  beforeEach(async () => {
    world = await createWorld()
  })
  afterEach(() => world.destroy())

  it('counts what a client took, and not what a firewall swallowed', async () => {
    const internet = await startInternet(await world.addHost('internet'))
    const client = await world.addHost('client')
    const meter = await measureDelivery(internet)
    await client.run(['curl', '-sS', '-o', '/dev/null', internet.fileUrl(2_000_000)])
    const whole = await meter.read(client.address)
    expect(whole.downBytes).toBeGreaterThan(2_000_000)
    expect(whole.downBytes).toBeLessThan(2_100_000)
    await client.firewall(
      'table inet t { quota q { over 500000 bytes }; chain i { type filter hook input priority 0; quota name q drop; }; }',
    )
    const cut = client.start([
      'curl',
      '-sS',
      '--max-time',
      '2',
      '-o',
      '/dev/null',
      internet.fileUrl(2_000_000),
    ])
    await cut.ended
    const part = await meter.read(client.address)
    meter.stop()
    expect(part.downBytes - whole.downBytes).toBeLessThanOrEqual(500_000)
    expect(part.downBytes - whole.downBytes).toBeGreaterThan(300_000)
  })
})
