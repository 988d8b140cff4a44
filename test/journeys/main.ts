/**
 * Follows the README and the guides of all three roles as somebody would who has just found them: on clean machines, with the
 * packages, typing what the documents say. `scripts/journeys` makes what it needs and starts it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, commandIn } from '../documentCommands.js'
import { helpOf } from '../programHelp.js'
import { createMarket, repository } from '../world/index.js'
import { member, readmeConsumer } from './consumer.js'
import { inContainers } from './containers.js'
import { Guide } from './guide.js'
import { operateHub, readmeHub } from './hub.js'
import { faultsOf } from './judge.js'
import { Machine } from './machine.js'
import { notFollowed } from './notFollowed.js'
import { guidedProvider, keepProvider, readmeProvider } from './provider.js'
import { Traveller } from './traveller.js'

const { PONTAGE_ROOT: archive = '', PONTAGE_PACKAGES: packages = '' } = process.env
const programs = new Map(
  ['pontage', 'pontage-provider', 'pontage-hub'].map((name) => [name, helpOf(repository, name)]),
)
const guides = {
  readme: new Guide(repository, 'README.md', programs),
  operations: new Guide(repository, 'docs/operations.md', programs),
  provider: new Guide(repository, 'docs/provider.md', programs),
  service: new Guide(repository, 'docs/service.md', programs),
  earning: new Guide(repository, 'docs/earning.md', programs),
  containers: new Guide(repository, 'docs/containers.md', programs),
}
const documented = new Set(
  [...Object.values(guides).map(({ document }) => document), 'docs/errors.md'].flatMap((document) =>
    codeOf(repository, document).flatMap((code) => {
      const found = commandIn(code, document, programs)
      return found ? [`${found.program} ${found.words[0]}`] : []
    }),
  ),
)
const began = performance.now()
let typed = 0
const tell = (text: string) => {
  typed++
  process.stdout.write(`[${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s] ${text}\n`)
}

const judge = (line: string, screen: string) => faultsOf(line, screen, programs, documented)

/** Where one journey ends early, the others go on. */
const follow = (journey: () => Promise<void>) =>
  journey().catch((error: Error) => void faults.push(error.message))

const market = await createMarket()
const faults: string[] = []
const travellers: Traveller[] = []
try {
  const network = JSON.stringify({
    ...market.deployment,
    ...{ symbol: market.chain.tokenSymbol, rpc: [market.testChain.rpcUrl] },
  })
  const files = {
    'etc/pontage/networks/journey.json': network,
    'usr/local/bin/firefox!': `#!/bin/sh\nexec curl -sS --max-time 20 ${market.internet.addressUrl}\n`,
    'usr/local/bin/systemctl!': readFileSync(join(repository, 'test', 'journeys', 'systemctl.sh'), 'utf8'),
  }
  const seat = async (name: string, values: Record<string, string>) => {
    const host = await market.world.addHost(name)
    const machine = await Machine.open(host, archive, files)
    await machine.take(packages)
    const known = { NAME: 'journey', HOST: host.address, ...values }
    const traveller = new Traveller(market, machine, known, judge, tell)
    travellers.push(traveller)
    return traveller
  }
  const hub = await readmeHub(await seat('hub', {}), guides.readme)
  const anyone = {
    IDENTITY: hub.address,
    AMOUNT: '5',
    FILE: 'copy',
    NUMBER: '100',
    '0xHUB': hub.address,
    '0x…': hub.address,
  }
  const seller = await seat('provider', anyone)
  const provider = await readmeProvider(seller, guides.readme)
  const second = await seat('second', anyone)
  second.values['vpn.example.org'] = second.machine.host.address
  const guided = await guidedProvider(second, guides.readme, guides.provider)
  const consumer = await seat('consumer', anyone)
  const crew = await seat('crew', anyone)
  const operator = await seat('operator', anyone)
  operator.values['hub.example.org'] = operator.machine.host.address
  await Promise.all([
    follow(() => readmeConsumer(consumer, guides.readme)),
    follow(() => member(crew, guides.readme, guides.service)),
    follow(() => operateHub(operator, guides.readme, guides.operations)),
  ])
  await follow(async () => {
    const told = { network, packages, tell, judge }
    faults.push(...(await inContainers(market, guides.containers, told)))
  })
  await seller.interrupt(provider.run)
  await follow(() => keepProvider(second, guided, guides.readme, guides.provider, guides.earning))
  const left = Object.values(guides).flatMap((guide) =>
    guide
      .left(Object.values(guides))
      .filter((code) => !(code in (notFollowed[guide.document] ?? {})))
      .map((code) => `${guide.document}: ${code}`),
  )
  if (left.length > 0) faults.push(`Nobody followed:\n${left.join('\n')}`)
} catch (error) {
  faults.push((error as Error).message)
} finally {
  for (const { machine } of travellers) await machine.close()
  await market.destroy()
}
faults.unshift(...travellers.flatMap((each) => each.faults))
for (const fault of faults) process.stdout.write(`\n${fault}\n`)
process.stdout.write(`\n${typed} commands typed, ${faults.length} faults\n`)
if (faults.length > 0) process.exitCode = 1
