import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { parseExitPolicy } from '../../core/exitPolicy.js'
import { type Firewall, raiseFirewall } from './firewall.js'

const plan = {
  ...{
    table: 'pontage_test',
    tunnel: 'pont000000',
    uplink: 'eth0',
    subnet4: '10.86.0.0/16',
    subnet6: 'fd50::/64',
  },
  gateway: { address4: '10.86.0.1', address6: 'fd50::1' },
  ...{ paymentPort: 4_000, wireguardPort: 51_820, policy: parseExitPolicy('deny tcp/25') },
  ...{ resolver4: undefined, resolver6: undefined, ownNetworks6: [], outer: [] },
  ...{ othersForward4: false, othersForward6: false },
}

/** Stands for nft: the rules are what is in a file, what it is asked goes to another, and its monitor tells a third. */
const nft = `#!/usr/bin/env node
const { appendFileSync, readFileSync } = require('node:fs')
const at = (name) => require('node:path').join(__dirname, name)
const words = process.argv.slice(2)
const answer = (line) => {
  appendFileSync(at('asked'), line + '\\n')
  const [, bytes] = /asked { over (\\d+) bytes }/.exec(line) ?? []
  if (bytes) appendFileSync(at('told'), JSON.stringify({ add: { quota: { family: 'inet', table: 'pontage_test', name: 'asked', bytes: Number(bytes) } } }) + '\\n')
  if (line.startsWith('list')) process.stdout.write(readFileSync(at('rules'), 'utf8') + '\\n')
}
if (words.includes('--interactive')) require('node:readline').createInterface({ input: process.stdin }).on('line', answer)
else if (words.includes('list')) answer(words.slice(words.indexOf('list')).join(' '))
`
/** Starts no monitor of the system: this one tells what is appended to a file. */
const setpriv = `#!/bin/sh
cd "$(dirname "$0")"
echo $$ >monitor
exec tail -n 0 -f told`

const path = process.env.PATH
let folder: string
let firewall: Firewall
const at = (name: string) => join(folder, name)

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pontage-firewall-'))
  writeFileSync(at('nft'), nft, { mode: 0o755 })
  writeFileSync(at('setpriv'), setpriv, { mode: 0o755 })
  for (const file of ['asked', 'told']) writeFileSync(at(file), '')
  writeRules('drop')
  process.env.PATH = `${folder}:${path}`
  // The one of this machine has none of it.
  firewall = await raiseFirewall(plan, () => undefined)
})
afterEach(() => {
  firewall.close()
  process.env.PATH = path
  rmSync(folder, { recursive: true })
})

function writeRules(verdict: string): void {
  const rule = { family: 'inet', table: plan.table, chain: 'filtering', expr: [{ [verdict]: null }] }
  writeFileSync(at('rules'), JSON.stringify({ nftables: [{ rule }] }))
}
const tell = (line: string) => appendFileSync(at('told'), `${line}\n`)
const tellOf = (kind: string, change: object) =>
  tell(JSON.stringify({ add: { [kind]: { family: 'inet', ...change } } }))

/** How often the rules were read for one question. */
async function readsFor(expected: boolean): Promise<number> {
  const reads = () =>
    readFileSync(at('asked'), 'utf8')
      .split('\n')
      .filter((line) => /^list (table|chain|set) /.test(line)).length
  const before = reads()
  expect(await firewall.isWhole()).toBe(expected)
  return reads() - before
}
/** Once the monitor listens, and whatever it is told meanwhile. */
const rest = (meanwhile = () => {}) =>
  expect
    .poll(
      () => {
        meanwhile()
        return readsFor(true)
      },
      { timeout: 60_000 },
    )
    .toBe(0)

it('reads the rules no more while nobody changes them, whatever sessions come and go', async () => {
  await rest()
  await rest(() => {
    tellOf('counter', { table: plan.table, name: 'down_7' })
    tellOf('element', { table: plan.table, name: 'passing4' })
    tellOf('rule', { table: 'of_another', chain: 'filtering' })
  })
})

it('knows of a change that came before the question, in the rules and in what is closed', async () => {
  const changes = [
    ['rule', { table: plan.table, chain: 'filtering' }],
    ['element', { table: plan.table, name: 'closed4' }],
    ['table', { name: plan.table }],
  ] as const
  for (const [kind, change] of changes) {
    await rest()
    writeRules('accept')
    tellOf(kind, change)
    expect(await readsFor(false)).toBeGreaterThan(0)
    // As long as they are not whole they are read.
    expect(await readsFor(false)).toBeGreaterThan(0)
    writeRules('drop')
  }
})

it('reads the rules where a monitor lost something, and while there is none', async () => {
  await rest()
  tell('# ERROR: We lost some netlink events!')
  expect(await readsFor(true)).toBeGreaterThan(0)
  await rest()
  process.kill(Number(readFileSync(at('monitor'), 'utf8')))
  await expect.poll(() => readsFor(true), { timeout: 60_000 }).toBeGreaterThan(0)
  writeRules('accept')
  expect(await readsFor(false)).toBeGreaterThan(0)
})
