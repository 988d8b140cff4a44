import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { build } from 'esbuild'
import { root } from './repository.mjs'
import { roles } from './roles.mjs'

/** Modules of the older kind ask for built-in ones by a function that a bundle of the newer kind lacks. */
const banner = [
  "import { createRequire as bundleRequire } from 'node:module'",
  'const require = bundleRequire(import.meta.url)',
].join('\n')

/** Not there, and done without: the packages that ask for them fall back. */
const optional = ['pg-native', 'bufferutil', 'utf-8-validate']

/** Modules that read the description of their own package from beside them get it as it is now. */
const ownDescriptions = {
  name: 'own-descriptions',
  setup({ onLoad }) {
    onLoad({ filter: /node_modules\/@achingbrain\/.*\.js$/ }, async ({ path }) => {
      const contents = await readFile(path, 'utf8')
      const inlined = contents.replace(/\breq\('((?:\.\.\/)+package\.json)'\)/, (_call, description) => {
        const { name, version } = JSON.parse(readFileSync(join(dirname(path), description), 'utf8'))
        return JSON.stringify({ name, version })
      })
      return { contents: inlined, loader: 'js' }
    })
  },
}

/**
 * As a module of the newer kind, this one would load everything that it offers, also what makes websockets, which takes a sixth of
 * a start: it is asked for in the older way.
 */
const slimHttp = {
  name: 'slim-http',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?http$/ }, ({ kind }) =>
      kind === 'require-call' ? undefined : { path: 'http', namespace: 'slim-http' },
    )
    onLoad({ filter: /.*/, namespace: 'slim-http' }, () => ({
      contents: "module.exports = require('node:http')",
    }))
  },
}

/**
 * What measures how wide a text is on a terminal takes a sixth of a start to begin, and only help needs it: it begins when it is
 * asked first.
 */
const lateWidth = {
  name: 'late-width',
  setup({ onResolve, onLoad, resolve }) {
    onResolve({ filter: /^string-width$/ }, async ({ path, kind, resolveDir }) => {
      if (kind === 'require-call') return undefined
      const { path: found } = await resolve(path, { kind: 'require-call', resolveDir })
      return { path: found, namespace: 'late-width' }
    })
    onLoad({ filter: /.*/, namespace: 'late-width' }, ({ path }) => ({
      contents: `let width
export default (...given) => (width ??= require(${JSON.stringify(path)}).default)(...given)`,
      resolveDir: dirname(path),
    }))
  },
}

/** Which names the first module of a role knows: those of the consumer's providers. */
const namesOf = (role) => ({
  name: 'names',
  setup({ onResolve, onLoad }) {
    const own = join(root, 'packaging', 'namesOfConsumer.js')
    onResolve({ filter: /^pontage:names$/ }, () =>
      role === 'consumer' ? { path: own } : { path: 'none', namespace: 'names' },
    )
    onResolve({ filter: /^@pontage\/shared$/ }, ({ path }) => ({ path, external: true, sideEffects: false }))
    onLoad({ filter: /.*/, namespace: 'names' }, () => ({
      contents: 'export const namesIn = () => undefined',
    }))
  },
})

/**
 * Bundles the programs of some roles into `folder`: `ROLE/start.js`, what that loads and threads beside it, and native parts in `node_modules`.
 *
 * @param {readonly import('./roles.mjs').Role[]} chosen
 * @param {string} folder
 * @param {{ platforms: readonly string[] }} options - Which binaries of native parts, such as `linux-x64` or `linuxmusl-x64`.
 * @returns {Promise<readonly string[]>} folders of the packages that went into them, from the root, sorted.
 */
export async function bundle(chosen, folder, { platforms }) {
  const used = new Set()
  for (const role of chosen) {
    for (const entry of roles[role].entries)
      for (const input of await bundleOne(role, entry, folder)) used.add(input)
    await bundleStart(role, folder)
    await writeFile(join(folder, role, 'completions.json'), completionsOf(role))
    if (!existsSync(join(root, role, 'dist', 'pages'))) continue
    await cp(join(root, role, 'dist', 'pages'), join(folder, role, 'pages'), { recursive: true })
    for (const name of [...inPages, ...(inPagesOf[role] ?? [])]) used.add(join('node_modules', name))
  }
  for (const addon of new Set(chosen.flatMap((role) => roles[role].addons)))
    for (const name of await copyAddon(addon, folder, platforms)) used.add(join('node_modules', name))
  return [...used].sort()
}

/** What the pages are built with, and contain. */
const inPages = ['preact', '@preact/signals', '@preact/signals-core', 'uplot']
const inPagesOf = { consumer: ['qr'] }

async function bundleOne(role, entry, folder) {
  const outfile = join(folder, role, `${basename(entry)}.js`)
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [join(root, role, 'dist', `${entry}.js`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    // Names stay, for whoever reads an error's stack.
    ...{ minifySyntax: true, minifyWhitespace: true, lineLimit: 160 },
    // Their licences go along in one file.
    legalComments: 'none',
    external: ['better-sqlite3', ...optional],
    banner: { js: banner },
    plugins: [ownDescriptions, slimHttp, lateWidth],
    metafile: true,
    logLevel: 'warning',
  })
  // One such character, and the program keeps its whole text in memory at two bytes for each.
  const foreign = /.{0,40}\P{ASCII}.{0,40}/u.exec(await readFile(outfile, 'utf8'))?.[0]
  if (foreign) throw new Error(`${outfile} has to be plain ASCII; it holds: ${foreign}`)
  // What a plugin wrote has a name of its own before its path, and is ours.
  const packageOf = (path) => /^(?![\w-]+:).*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]
  return Object.keys(metafile.inputs).flatMap((path) => packageOf(path) ?? [])
}

/** What a program begins with, which loads the bundle where it is needed. */
const bundleStart = (role, folder) =>
  build({
    absWorkingDir: root,
    entryPoints: [join(root, 'packaging', 'start.js')],
    outfile: join(folder, role, 'start.js'),
    ...{ bundle: true, platform: 'node', format: 'esm', target: 'node22' },
    plugins: [namesOf(role)],
    logLevel: 'warning',
  })

/** Several packages hold the same program. */
const completions = new Map()

function completionsOf(role) {
  if (!completions.has(role)) {
    const asker = join(root, 'packaging', 'completions.mjs')
    const env = { PATH: process.env.PATH, HOME: '/nonexistent', NODE_NO_WARNINGS: '1' }
    const words = [asker, join(root, role, 'dist', 'main.js'), roles[role].program]
    completions.set(role, execFileSync(process.execPath, words, { env, encoding: 'utf8' }))
  }
  return completions.get(role)
}

/** What of each package with native parts is needed to run, its binaries for a platform, and the packages it asks for. */
const addonParts = {
  secp256k1: {
    files: ['package.json', 'bindings.js', 'lib/index.js', 'lib/uint8array.js', 'LICENSE'],
    binaries: (platform) => [
      `prebuilds/${platform.replace('musl', '')}/secp256k1.${platform.includes('musl') ? 'musl' : 'glibc'}.node`,
      'build/Release/secp256k1.node',
    ],
    needs: () => ['node-gyp-build'],
  },
  'node-gyp-build': {
    files: ['package.json', 'index.js', 'node-gyp-build.js', 'LICENSE'],
    binaries: () => [],
    needs: () => [],
  },
  'better-sqlite3': {
    files: ['package.json', 'lib', 'LICENSE'],
    binaries: (platform) => [`prebuilds/${platform}.node`],
    needs: () => [],
  },
  koffi: {
    files: ['package.json', 'index.cjs', 'src/koffi/index.cjs', 'src/koffi/src/static.cjs', 'LICENSE.txt'],
    binaries: () => [],
    needs: (platforms) => [...new Set(platforms.map((each) => `@koromix/koffi-${each.replace('musl', '')}`))],
  },
  ...Object.fromEntries(
    ['x64', 'arm64'].map((cpu) => [
      `@koromix/koffi-linux-${cpu}`,
      {
        files: ['package.json', 'index.js'],
        binaries: (platform) => [`${platform.includes('musl') ? 'musl' : 'linux'}_${cpu}/koffi.node`],
        needs: () => [],
      },
    ]),
  ),
}

async function copyAddon(name, folder, platforms) {
  const [from, to] = [root, folder].map((each) => join(each, 'node_modules', name))
  const { files, binaries, needs } = addonParts[name]
  const found = platforms.flatMap(binaries).filter((path) => existsSync(join(from, path)))
  if (found.length === 0 && binaries('').length > 0)
    throw new Error(
      `${name} has no binary for ${platforms.join(', ')}. Run "npm run setup", which compiles it.`,
    )
  for (const path of [...files, ...found]) {
    await mkdir(dirname(join(to, path)), { recursive: true })
    await cp(join(from, path), join(to, path), { recursive: true })
  }
  const more = await Promise.all(needs(platforms).map((need) => copyAddon(need, folder, platforms)))
  return [name, ...more.flat()]
}
