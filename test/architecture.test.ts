import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { doors, kernelDoors } from './sim/stage/doors.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const programs = ['hub', 'provider', 'consumer']

interface Source {
  readonly path: string
  readonly imports: readonly string[]
}

/** TypeScript sources of a workspace, with what they import; relative imports as paths from the root. */
function sourcesOf(folder: string): Source[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  return files
    .filter((file) => file.endsWith('.ts') && !file.includes('node_modules') && !file.startsWith('dist/'))
    .map((file) => {
      const path = join(folder, file)
      const text = readFileSync(join(root, path), 'utf8')
      const found = [...text.matchAll(/(?:\bfrom|\bimport\(?)\s*'([^']+)'/g)].map(([, target = '']) =>
        target.startsWith('.')
          ? relative(root, resolve(root, dirname(path), target)).replace(/\.js$/, '.ts')
          : target,
      )
      return { path, imports: found }
    })
}

/** What was read at the top of a file, without its comments. */
const codeOf = (path: string): string =>
  readFileSync(join(root, path), 'utf8').replace(/\/\*[\s\S]*?\*\/|(?<![:'"`])\/\/.*$/gm, '')

/** Files that import each other, directly or by way of others: each such group, in the order of their names. */
function circlesIn(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const reached = (from: string): Set<string> => {
    const seen = new Set<string>()
    for (const next = [...(graph.get(from) ?? [])]; next.length > 0; ) {
      const one = next.pop() ?? ''
      if (seen.has(one)) continue
      seen.add(one)
      next.push(...(graph.get(one) ?? []))
    }
    return seen
  }
  const all = new Map([...graph.keys()].map((name) => [name, reached(name)]))
  const groups = [...graph.keys()].sort().flatMap((name) => {
    if (!all.get(name)?.has(name)) return []
    return [[...(all.get(name) ?? [])].filter((other) => all.get(other)?.has(name)).sort()]
  })
  return [...new Map(groups.map((group) => [group.join(), group])).values()]
}

/** What only Node, or a clock that nobody gave, can answer. */
const ambient = /\b(process|Buffer|setTimeout|setInterval|setImmediate|queueMicrotask)\b|\bfetch\(/

const isTest = (source: Source) => /\.(test|suite|fixture)\.ts$/.test(source.path)
const room = (path: string) => path.split('/src/')[1]?.split('/')[0] ?? ''

describe.each(programs)('%s', (program) => {
  const sources = sourcesOf(`${program}/src`).filter((source) => !isTest(source))

  it('has sources', () => expect(sources.length).toBeGreaterThan(0))

  it('meets the other programs on the wire, never by import', () => {
    const others = programs.filter((other) => other !== program)
    for (const { path, imports } of sources)
      for (const target of imports)
        expect(
          others.some((other) => target.startsWith(`@pontage/${other}`) || target.startsWith(`${other}/`)),
          `${path} imports ${target}`,
        ).toBe(false)
  })

  it('imports to the left only: core, io, app, main', () => {
    const order = ['core', 'io', 'app', 'main.ts']
    for (const { path, imports } of sources) {
      const from = order.indexOf(room(path))
      if (from < 0) continue
      for (const target of imports.filter((each) => each.startsWith(`${program}/src/`))) {
        const to = order.indexOf(room(target))
        expect(to, `${path} imports ${target}, which lies in no room`).toBeGreaterThanOrEqual(0)
        expect(to, `${path} imports ${target}: rooms import to the left only`).toBeLessThanOrEqual(from)
      }
    }
  })

  it('decides in core without clock, network, disk or chance', () => {
    for (const { path, imports } of sources.filter((source) => room(source.path) === 'core')) {
      for (const target of imports)
        expect(
          target === '@pontage/shared' || target.startsWith(`${program}/src/core/`),
          `${path} imports ${target}: core knows only the pure protocol`,
        ).toBe(true)
      const text = readFileSync(join(root, path), 'utf8')
      expect(text, `${path} reads a clock or rolls dice`).not.toMatch(
        /Date\.now|new Date\(\)|Math\.random|performance\.now/,
      )
      expect(codeOf(path), `${path}: core is given what it needs, and reaches for nothing`).not.toMatch(
        ambient,
      )
    }
  })

  it('has rooms in app that form no circle', () => {
    const roomOf = (path: string) => /\/src\/app\/([^/]+)\//.exec(path)?.[1]
    const graph = new Map<string, string[]>()
    for (const { path, imports } of sources) {
      const from = roomOf(path)
      if (from === undefined) continue
      const others = imports.map(roomOf).filter((to) => to !== undefined && to !== from) as string[]
      graph.set(from, [...(graph.get(from) ?? []), ...others])
    }
    expect(circlesIn(graph)).toEqual([])
  })

  it('leaves sockets and other processes to io', () => {
    const opening = sources
      .filter((source) => ['core', 'app'].includes(room(source.path)))
      .filter(({ path }) =>
        [...codeOf(path).matchAll(/import (?:type )?\{([^}]*)\} from '([^']+)'/g)].some(
          ([, names = '', from = '']) =>
            worldly.includes(from) && names.split(',').some((name) => !harmless.includes(name.trim())),
        ),
      )
      .map(({ path }) => path)
    expect(opening).toEqual(stillOpening.filter((path) => path.startsWith(`${program}/`)))
  })
})

/** Modules that reach other machines or other processes, and what of them only looks at a value. */
const worldly = ['net', 'dgram', 'http', 'https', 'http2', 'tls', 'dns', 'child_process', 'worker_threads']
  .map((name) => `node:${name}`)
  .concat('ws', 'pg', 'better-sqlite3')
const harmless = ['BlockList', 'createSecureContext', 'isIP', 'isIPv4', 'isIPv6', '']
/** Those that do it all the same. The list only gets shorter. */
const stillOpening = [
  'consumer/src/app/connect/background.ts',
  'hub/src/app/operator/checks.ts',
  'provider/src/app/operator/checks.ts',
  'provider/src/app/operator/metrics.ts',
]

const stage = new URL('./sim/stage/', import.meta.url)

/** Modules of Node that answer from what they are given: no clock, nothing of the outside, no chance. */
const inert = [
  'events',
  'module',
  'os',
  'path',
  'perf_hooks',
  'stream',
  'stream/promises',
  'string_decoder',
  'url',
  'util',
  'async_hooks',
]
  .map((name) => `node:${name}`)
  .concat('node:buffer')
/** What a person at a terminal uses, and what only a second database server needs: no simulation takes that way. */
const unsimulated = ['node:readline', 'node:readline/promises', 'node:tty', 'node:zlib', 'pg']

it.each(['shared', ...programs])(
  '%s reaches the world by doors that the simulation stands behind',
  (workspace) => {
    const known = [...Object.keys(doors), ...inert, ...unsimulated]
    for (const { path, imports } of sourcesOf(`${workspace}/src`).filter((source) => !isTest(source)))
      for (const target of imports.filter((each) => each.startsWith('node:')))
        expect(known, `${path} imports ${target}: give it a door in test/sim/stage/doors`).toContain(target)
  },
)

it.each(['shared', 'hub'])('the doors of the simulation have all that %s asks of them', async (workspace) => {
  for (const { path } of sourcesOf(`${workspace}/src`).filter((source) => !isTest(source)))
    for (const [, names = '', from = ''] of codeOf(path).matchAll(/import \{([^}]*)\} from '([^']+)'/g)) {
      // A thread's end has a door of its own.
      if (doors[from] === undefined || from === 'node:worker_threads') continue
      const door = await import(new URL(doors[from].replace('.js', '.ts'), stage).href)
      const asked = names.split(',').map((name) => name.trim().split(' as ')[0] ?? '')
      for (const name of asked.filter((each) => each !== '' && !each.startsWith('type ')))
        expect(Object.keys(door), `${path} imports ${name} of ${from}: ${doors[from]} lacks it`).toContain(
          name,
        )
    }
})

it('the simulation puts its kernel in the place of modules that ask one, and of nothing that decides', () => {
  for (const module of Object.keys(kernelDoors))
    expect(module).toMatch(/^(provider|consumer)\/dist\/io\/|^shared\/dist\/node\//)
})

it.each(programs)('the kernel of the simulation has all that %s asks of it', async (program) => {
  const all = new Map(
    ['shared', program].flatMap((name) => sourcesOf(`${name}/src`)).map((each) => [each.path, each]),
  )
  const seen = new Set<string>()
  // What is loaded from the front door on; commands have other things to ask.
  for (const next = [`${program}/src/index.ts`, 'shared/src/node/index.ts']; next.length > 0; ) {
    const path = next.pop() ?? ''
    if (seen.has(path) || !all.has(path)) continue
    seen.add(path)
    for (const [, names = '', from = ''] of codeOf(path).matchAll(
      /(?:import|export) \{([^}]*)\} from '(\.[^']+)'/g,
    )) {
      const target = relative(root, resolve(root, dirname(path), from)).replace(/\.js$/, '')
      const door = kernelDoors[target.replace('/src/', '/dist/')]
      if (door === undefined) {
        next.push(`${target}.ts`)
        continue
      }
      const asked = names.split(',').map((name) => name.trim().split(' as ')[0] ?? '')
      const has = Object.keys(await import(new URL(`doors/${door}.ts`, stage).href))
      for (const name of asked.filter((each) => each !== '' && !each.startsWith('type ')))
        expect(has, `${path} imports ${name} of ${target}: ${door}.ts lacks it`).toContain(name)
    }
    for (const target of all.get(path)?.imports ?? [])
      if (kernelDoors[target.replace('/src/', '/dist/').replace(/\.ts$/, '')] === undefined) next.push(target)
  }
})

it.each(['shared', ...programs])('%s has no files that import each other in a circle', (workspace) => {
  const sources = sourcesOf(`${workspace}/src`).filter((source) => !isTest(source))
  expect(circlesIn(new Map(sources.map(({ path, imports }) => [path, imports])))).toEqual([])
})

it('connects to the outside in one place, which knows the proxy', () => {
  // Each with what its sockets are. docs/decisions/0033-one-place-connects.md
  const doorsOut: Readonly<Record<string, string>> = {
    'shared/src/node/link/raceConnect.ts': 'the place',
    'shared/src/node/link/socks.ts': 'to the proxy',
    'shared/src/node/chain/rpcRequest.ts': 'on what raceConnect gives',
    'shared/src/node/link/connect.ts': 'on what raceConnect gives',
    'consumer/src/io/link/latency.ts': 'on what raceConnect gives',
    'shared/src/node/program/controlSocket.ts': 'a path on this machine',
    'shared/src/node/kernel/wireguard.ts': 'a path on this machine',
    'consumer/src/io/link/endpoint.ts': 'asks for names where there is no proxy',
    'consumer/src/io/kernel/ownNames.ts': 'asks for names where there is no proxy',
  }
  const opens =
    /import[^;]*?\b(connect|request|get)\b[^;]*?from 'node:(net|tls|https?|http2)'|from 'node:dns(\/promises)?'|\bfetch\(/
  const found = ['shared/src/node', 'consumer/src']
    .flatMap(sourcesOf)
    .filter((source) => !isTest(source))
    .map(({ path }) => path)
    .filter((path) =>
      codeOf(path)
        .split(/\n(?=import )/)
        .some((part) => opens.test(part)),
    )
  expect(found.sort()).toEqual(Object.keys(doorsOut).sort())
})

it('measures how long something takes by a clock that nobody sets', () => {
  // Each with what it takes the time of day for.
  const timesOfDay: Readonly<Record<string, string>> = {
    'shared/src/clock.ts': 'the clock itself',
    'shared/src/node/chain/rpcRequest.ts': 'compared with the date that a server gave',
    'shared/src/node/link/certificate.ts': 'stands in a certificate',
    'hub/src/io/link/greetWireguard.ts': 'stands in a greeting',
    'hub/src/io/store/ledger.ts': 'written as a note, never compared',
    'provider/src/io/link/webSite.ts': 'told to a browser',
    'consumer/src/app/connect/doctor.ts': 'is what is examined',
    'consumer/src/app/connect/carriers.ts': 'kept for days',
    'consumer/src/app/connect/live.ts': 'shown to somebody',
    'consumer/src/app/commands/status.ts': 'shown to somebody',
    'consumer/src/io/kernel/upkeep.ts': 'notices that it was set',
  }
  const found = ['shared', ...programs]
    .flatMap((workspace) => sourcesOf(`${workspace}/src`))
    .filter((source) => !isTest(source))
    .map(({ path }) => path)
    .filter((path) => /\bDate\.now\b|\bnew Date\(\)/.test(codeOf(path)))
  expect(found.sort()).toEqual(Object.keys(timesOfDay).sort())
})

it('finds circles where there are some', () => {
  const graph = { a: ['b'], b: ['c'], c: ['a', 'd'], d: [], e: ['e'], f: ['a'] }
  expect(circlesIn(new Map(Object.entries(graph)))).toEqual([['a', 'b', 'c'], ['e']])
})

it('keeps what was written by hand out of the folder of generated types', () => {
  const files = readdirSync(join(root, 'channel-contracts/types'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .filter(
      (file) =>
        !readFileSync(join(root, 'channel-contracts/types', file), 'utf8').startsWith('/* Autogenerated'),
    )
  expect(files).toEqual([])
})

describe('shared', () => {
  const sources = sourcesOf('shared/src').filter((source) => !isTest(source))

  it('knows no program', () => {
    for (const { path, imports } of sources)
      for (const target of imports)
        expect(
          programs.some((program) => target.startsWith(`@pontage/${program}`)),
          `${path} imports ${target}`,
        ).toBe(false)
  })

  it('keeps the world behind its second door: the pure protocol uses nothing of Node', () => {
    // Arithmetic and encodings, the same in a browser.
    const pure = ['zod', 'ethers', '@statechannels/wallet-core']
    for (const { path, imports } of sources.filter((source) => !source.path.startsWith('shared/src/node/'))) {
      for (const target of imports)
        expect(
          pure.includes(target) ||
            (target.startsWith('shared/src/') && !target.startsWith('shared/src/node/')),
          `${path} imports ${target}`,
        ).toBe(true)
      expect(codeOf(path), `${path} uses what only Node has`).not.toMatch(ambient)
    }
  })
})

describe('the contracts', () => {
  const folder = join(root, 'channel-contracts/src')
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.sol'))
    .map((file) => ({ file, lines: readFileSync(join(folder, file), 'utf8').split('\n') }))

  it('check first, then change what is stored, then move tokens', () => {
    const order = ['Check', 'Effect', 'Interaction']
    const wrong = sources.flatMap(({ file, lines }) => {
      let last = 0
      return lines.flatMap((line, index) => {
        if (/^ {4}(function|constructor)\b/.test(line)) last = 0
        const [, tags] =
          /^\s*\/\/ ((?:Check|Effect|Interaction)(?:, (?:Check|Effect|Interaction))*)[:.]/.exec(line) ?? []
        const steps = [last, ...(tags?.split(', ').map((tag) => order.indexOf(tag)) ?? [])]
        last = steps.at(-1) ?? 0
        return steps.some((step, at) => step < (steps[at - 1] ?? 0))
          ? [`${file}:${index + 1}: ${line.trim()}`]
          : []
      })
    })
    expect(wrong).toEqual([])
  })

  it('say what each error, event, struct and function of an interface is for', () => {
    const silent = sources
      .filter(({ file }) => file.startsWith('interfaces/'))
      .flatMap(({ file, lines }) =>
        lines.flatMap((line, index) =>
          /^\s*(error|event|struct|enum|function|interface) \w/.test(line) &&
          !/^\s*\/\/\/ /.test(lines[index - 1] ?? '')
            ? [`${file}:${index + 1}: ${line.trim()}`]
            : [],
        ),
      )
    expect(silent).toEqual([])
  })
})
