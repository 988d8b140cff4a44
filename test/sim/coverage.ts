import { readdirSync, readFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { branchesOf } from './branches.js'

const session = new Session()
const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Where the programs decide and act; what touches the world is the simulation's own. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  hub: ['hub/dist/core', 'hub/dist/app'],
  provider: ['provider/dist/core', 'provider/dist/app'],
  consumer: ['consumer/dist/core', 'consumer/dist/app'],
  // All of it that knows no machine.
  shared: ['shared/dist'],
}
const elsewhere = /\.(test|fixture)\.js$|^shared\/dist\/node\//

interface Reached {
  readonly taken: number
  readonly all: number
}

/** Has every branch counted from now on. */
export async function beginCoverage(): Promise<void> {
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
}

/** Which share of the branches in core and app was taken: by package, and by the folders in it. */
export async function reached(): Promise<string[]> {
  const all = Object.values(rooms).flat().flatMap(filesIn)
  // What no program of this run had a use for counts, too.
  for (const file of all) await import(urlOf(file)).catch(() => undefined)
  const { result } = await session.post('Profiler.takePreciseCoverage')
  const counted = new Map(result.map(({ url, functions }) => [url, functions]))
  const reachedIn = (file: string) => {
    const branches = branchesOf(readFileSync(join(root, file), 'utf8'), counted.get(urlOf(file)) ?? [])
    return { file, taken: branches.filter(({ isTaken }) => isTaken).length, all: branches.length }
  }
  return Object.entries(rooms).flatMap(([name, folders]) => {
    const files = folders.flatMap(filesIn).map(reachedIn)
    const places = [...new Set(files.map(({ file }) => placeOf(file)))]
    const parts = places.map(
      (place) => `  ${place}: ${share(files.filter(({ file }) => placeOf(file) === place))}`,
    )
    return [`${name}: ${share(files)}`, ...(places.length > 1 ? parts : [])]
  })
}

const urlOf = (file: string): string => pathToFileURL(join(root, file)).href

const filesIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file}`)
    .filter((file) => file.endsWith('.js') && !elsewhere.test(file))
    .sort()

/** The folder of a file, such as `app/metering`. */
const placeOf = (file: string): string => /dist\/((?:core|app)(?:\/[^/]+(?=\/))?)/.exec(file)?.[1] ?? ''

function share(files: readonly Reached[]): string {
  const sum = (of: (each: Reached) => number) => files.reduce((whole, each) => whole + of(each), 0)
  const [taken, all] = [sum((each) => each.taken), sum((each) => each.all)]
  return `${((100 * taken) / all).toFixed(1)} % of ${all} branches`
}
