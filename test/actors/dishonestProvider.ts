import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Components, type Firewall, runCommandBy, serve } from '@pontage/provider'
import { bytes, requests } from '@pontage/shared'
import { createKemKeys, runProgram } from '@pontage/shared/node'

// A provider that cheats in the way that the file `cheat` in its home folder names, looked at again each time: the
// program's own provider with its counters or its terms doctored.

/** How it cheats. */
const cheats = ['honest', 'dear', 'over 5', 'over 50', 'slowly', 'stop', 'old', 'tampered'] as const

const cheat = (): (typeof cheats)[number] => {
  const path = join(homedir(), 'cheat')
  const named = existsSync(path) ? readFileSync(path, 'utf8').trim() : 'honest'
  return cheats.find((each) => each === named) ?? 'honest'
}

type Readings = Awaited<ReturnType<Firewall['read']>>
type Reading = Readings extends ReadonlyMap<number, infer Each> ? Each : never

/** Bytes forwarded before nothing more is, where it only stops. */
const stopsAfter = 3_000_000n

/** What is claimed of what was sent. `slowly`: a percent more with each megabyte. */
function claimed(down: bigint): bigint {
  switch (cheat()) {
    case 'over 5':
      return (down * 105n) / 100n
    case 'over 50':
      return (down * 150n) / 100n
    case 'slowly':
      return down + (down * (down / 1_000_000n)) / 100n
    default:
      return down
  }
}

/** Terms that are dearer than the offer on chain. */
function dearer(components: Components): Components {
  const { typedData } = components
  const signed: typeof typedData.signed = (name, document, key) => {
    if (name !== 'SessionTerms' || cheat() !== 'dear') return typedData.signed(name, document, key)
    const terms = document as unknown as { pricePerMegabyte: bigint }
    const doctored = { ...terms, pricePerMegabyte: terms.pricePerMegabyte + 1n }
    return typedData.signed(name, doctored as unknown as typeof document, key)
  }
  return { ...components, typedData: { ...typedData, signed } }
}

/** Tells every promise, so that whoever tests can present them again. */
function talkative(components: Components): Components {
  const { commit, log } = components
  const keep = commit.keep.bind(commit)
  commit.keep = ({ at, ...promise }) => {
    log.info('promise', promise)
    return keep({ ...promise, at })
  }
  return components
}

function miscounting(firewall: Firewall): Firewall {
  const admitted = new Map<number, Parameters<Firewall['admit']>[1]>()
  const held = new Set<number>()
  const lying = ([key, reading]: [number, Reading]): [number, Reading] => [
    key,
    { ...reading, downBytes: bytes(claimed(reading.downBytes)) },
  ]
  return {
    limits: () => firewall.limits(),
    limit: (limits) => firewall.limit(limits),
    close: () => firewall.close(),
    isWhole: () => firewall.isWhole(),
    probe: (targets, signal) => firewall.probe(targets, signal),
    follow: (around) => firewall.follow(around),
    rebuild: (sessions) => firewall.rebuild(sessions),
    async admit(key, addresses, limit) {
      admitted.set(key, addresses)
      held.delete(key)
      await firewall.admit(key, addresses, limit)
    },
    dismiss: (key, addresses, passing) => firewall.dismiss(key, addresses, passing && !held.has(key)),
    apply: (changes) =>
      firewall.apply(changes.filter(({ key, type }) => !(held.has(key) && type === 'pass'))),
    async read(last) {
      const readings = await firewall.read(last)
      for (const [key, { downBytes: down }] of readings) {
        const addresses = admitted.get(key)
        if (cheat() !== 'stop' || down < stopsAfter || held.has(key) || addresses === undefined) continue
        held.add(key)
        await firewall.apply([{ key, type: 'hold', addresses }])
      }
      return new Map([...readings].map(lying))
    },
  }
}

// A version that knows nothing of an encapsulation key leaves it out; somebody in between puts in another one.
const { encapsulationKey } = await createKemKeys()
const { open } = requests
Object.assign(open, {
  params: open.params.transform((params) => {
    if (cheat() === 'old') return { ...params, encapsulationKey: undefined }
    return cheat() === 'tampered' ? { ...params, encapsulationKey } : params
  }),
})

await runProgram({
  name: 'dishonest-provider',
  description: 'cheats',
  environment: 'PONTAGE_PROVIDER',
  folder: 'provider',
  commands: [
    runCommandBy((components, settings) =>
      serve(talkative(dearer(components)), settings, miscounting),
    ) as never,
  ],
  argv: process.argv.slice(2),
})
