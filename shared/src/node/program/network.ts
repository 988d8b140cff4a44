import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { type Address, address } from '../../units.js'
import { UserError } from './userError.js'

const contract = z.string().transform(address)

/** Where the contracts of a network lie; `deploy` writes it. */
export const deploymentShape = z.object({
  chainId: z.number().int().positive(),
  token: contract,
  registry: contract,
  channels: contract,
  marketplace: contract,
  fromBlock: z.number().int().nonnegative(),
})

const shape = deploymentShape.extend({
  /** For people. */
  name: z.string().optional(),
  /** What the token is called. */
  symbol: z.string().optional(),
  /** Nodes that answer everybody, tried in turn. */
  rpc: z.array(z.string()).default([]),
  hubs: z.array(contract).default([]),
})

/** A network as its file describes it. */
export type Network = z.infer<typeof shape> & { readonly path: string }

/** Folder in which an administrator puts more of them. */
const ownFolder = '/etc/pontage/networks'

/**
 * Reads a network.
 *
 * @param nameOrPath - Name of one that is known, or a file; what has a slash or ends with `.json` is a file.
 * @throws UserError when there is none, or the file does not describe one.
 */
export function readNetwork(nameOrPath: string): Network {
  if (isNetworkFile(nameOrPath)) return read(resolve(nameOrPath))
  const path = knownFiles().find((each) => nameOf(each) === nameOrPath)
  if (path !== undefined) return read(path)
  const names = [...new Set(knownFiles().map(nameOf))].sort()
  const known =
    names.length > 0
      ? `Known are: ${names.join(', ')}. Give --network one of these names, or a file such as ./${nameOrPath}.json.`
      : `None is known by a name here. Give --network its file, such as ./${nameOrPath}.json.`
  throw new UserError(`There is no network "${nameOrPath}". ${known}`)
}

/** The known network of a chain; undefined where there is none. @throws UserError for a damaged file */
export const networkOfChain = (chainId: number): Network | undefined =>
  knownFiles()
    .map(read)
    .find((network) => network.chainId === chainId)

/** The networks that go by a name here, sorted. @throws UserError for a damaged file */
export const knownNetworks = (): { name: string; title: string; chainId: number }[] =>
  [
    ...new Map(
      knownFiles()
        .toReversed()
        .map((path) => [nameOf(path), path]),
    ),
  ]
    .map(([name, path]) => ({ network: read(path), name }))
    .map(({ name, network }) => ({ name, title: network.name ?? name, chainId: network.chainId }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))

/** The hubs that the known network of a chain lists. */
export const hubsOfChain = (chainId: number): readonly Address[] => networkOfChain(chainId)?.hubs ?? []

/** What a network says of settings: its file serves as the deployment. */
export const settingsOfNetwork = ({
  path,
  rpc,
  hubs,
}: Network): Record<string, string | readonly string[]> => ({
  deployment: path,
  ...(rpc.length > 0 ? { rpc } : {}),
  ...(hubs.length > 0 ? { hub: hubs } : {}),
})

/** Whether a file is meant, and not the name of a network. */
export const isNetworkFile = (text: string): boolean => text.includes('/') || text.endsWith('.json')

/** The administrator's own go before those that came with the program. */
const knownFiles = (): string[] => [ownFolder, shippedFolder()].flatMap(jsonFilesIn)

const jsonFilesIn = (folder: string | undefined): string[] =>
  folder !== undefined && existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.json'))
        .sort()
        .map((name) => join(folder, name))
    : []

const nameOf = (path: string): string => basename(path, '.json')

/** `networks` in the checkout, or beside the bundle. */
function shippedFolder(): string | undefined {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'networks'))) return join(folder, 'networks')
    if (dirname(folder) === folder) return undefined
  }
}

function read(path: string): Network {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : message
    throw new UserError(`The network cannot be read from ${path}: ${why}. Check --network.`, { cause })
  }
  try {
    return { ...shape.parse(JSON.parse(text)), path }
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? `"${cause.issues[0]?.path.join('.')}"` : 'it is not JSON'
    throw new UserError(
      `${path} does not describe a network (${reason}): expected JSON with chainId, token, registry, channels, marketplace and fromBlock, and if wanted name, symbol, rpc and hubs.`,
      { cause },
    )
  }
}
