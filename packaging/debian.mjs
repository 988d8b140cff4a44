import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import { layOut, packed, put, unitsOf } from './programTree.mjs'
import { root, sourceDate, version } from './repository.mjs'
import { packages, roles } from './roles.mjs'

const maintainer = 'Pontage contributors <contributors@pontage.example>'
const revision = `${version}-1`
/** Names of processors as Debian has them. */
const architecture = { x64: 'amd64', arm64: 'arm64' }[process.arch]
const homes = {
  consumer: '/var/lib/pontage',
  provider: '/var/lib/pontage-provider',
  hub: '/var/lib/pontage-hub',
}

/**
 * Makes a Debian package: the same bytes for the same commit.
 *
 * @param {(typeof packages)[number]} what
 * @param {string} tree - Folder that is made anew and stands for `/`.
 * @param {string} out - Folder that takes the package.
 * @returns {Promise<{ path: string, installedBytes: number }>} - with the size beside Node.
 */
export async function makeDebian(what, tree, out) {
  if (architecture === undefined) throw new Error(`There is no Debian package for ${process.arch}.`)
  rmSync(tree, { recursive: true, force: true })
  mkdirSync(tree, { recursive: true })
  await layOut(what, tree)
  execFileSync('strip', binariesIn(what, tree))
  documents(what, tree)
  mkdirSync(join(tree, 'etc', 'pontage'), { recursive: true })
  const files = filesIn(tree)
  const sizeOf = (path) => lstatSync(join(tree, path)).size
  const bytes = files.reduce((sum, path) => sum + sizeOf(path), 0)
  control(what, tree, { files, kibibytes: Math.ceil(bytes / 1_024) })
  settle(tree)
  const path = join(out, `${what.name}_${revision}_${architecture}.deb`)
  // Much faster than the default, and any dpkg can read it.
  const how = ['--root-owner-group', '-Zgzip', '-z6']
  execFileSync('dpkg-deb', [...how, '--build', tree, path], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(sourceDate) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return { path, installedBytes: bytes - sizeOf(join('usr', 'lib', what.name, 'node')) }
}

function documents(what, tree) {
  const folder = join(tree, 'usr', 'share', 'doc', what.name)
  const date = new Date(sourceDate * 1_000).toUTCString().replace('GMT', '+0000')
  const entry = [
    `${what.name} (${revision}) unstable; urgency=medium`,
    '',
    `  * Version ${version}; what changed is in changelog.gz.`,
    '',
    ` -- ${maintainer}  ${date}`,
    '',
  ].join('\n')
  put(join(folder, 'changelog.Debian.gz'), packed(entry))
  put(join(folder, 'changelog.gz'), packed(readFileSync(join(root, 'CHANGELOG.md'))))
  const licence = readFileSync(join(root, 'LICENSE'), 'utf8').trim()
  put(join(folder, 'copyright'), template('copyright', { LICENCE: licence }))
  put(
    join(tree, 'usr', 'share', 'lintian', 'overrides', what.name),
    template('overrides', { PACKAGE: what.name }),
  )
}

function control(what, tree, { files, kibibytes }) {
  const folder = join(tree, 'DEBIAN')
  const programs = what.roles.map((role) => roles[role].program)
  const others = packages.filter(
    (each) => each !== what && each.roles.some((role) => what.roles.includes(role)),
  )
  const rivals = others.map(({ name }) => name).join(', ')
  const fields = {
    Package: what.name,
    Version: revision,
    Architecture: architecture,
    Maintainer: maintainer,
    'Installed-Size': kibibytes,
    Depends: [...libraries(what, tree), ...what.depends, ...systemd, 'debconf (>= 0.5) | debconf-2.0'].join(
      ', ',
    ),
    Recommends: what.recommends.join(', '),
    Conflicts: rivals,
    Replaces: rivals,
    Provides: what.roles.length > 1 ? rivals : '',
    Section: 'net',
    Priority: 'optional',
    Description: [what.summary, ...what.description].join('\n '),
  }
  const lines = Object.entries(fields).filter(([, value]) => value !== '')
  put(join(folder, 'control'), lines.map(([name, value]) => `${name}: ${value}\n`).join(''))
  const conffiles = files.filter((path) => path.startsWith('etc/')).map((path) => `/${path}\n`)
  put(join(folder, 'conffiles'), conffiles.join(''))
  const sums = files.filter((path) => !path.startsWith('etc/'))
  const options = { cwd: tree, encoding: 'utf8', maxBuffer: 10_000_000 }
  put(join(folder, 'md5sums'), execFileSync('md5sum', ['--', ...sums], options))
  const words = {
    PACKAGE: what.name,
    PROGRAMS: programs.join(' '),
    UNITS: what.roles.flatMap(unitsOf).join(' '),
    HOMES: what.roles.map((role) => homes[role]).join(' '),
    REMOVAL: what.roles.map(removalOf).join('\n'),
  }
  put(join(folder, 'templates'), template('templates', words))
  for (const script of ['config', 'postinst', 'prerm', 'postrm'])
    put(join(folder, script), template(`${script}.sh`, words), 0o755)
}

const systemd = ['systemd | systemd-standalone-sysusers', 'systemd | systemd-standalone-tmpfiles']

/** The part of a role in what is done before its package goes. */
function removalOf(role) {
  const path = join(root, 'packaging', 'debian', `${role}.prerm`)
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : ''
}

const template = (name, words) =>
  Object.entries(words).reduce(
    (text, [word, value]) => text.replaceAll(`@${word}@`, () => value),
    readFileSync(join(root, 'packaging', 'debian', name), 'utf8'),
  )

/** Node and native parts of packages. */
const binariesIn = (what, tree) =>
  filesIn(join(tree, 'usr', 'lib', what.name))
    .filter((path) => path === 'node' || path.endsWith('.node'))
    .map((path) => join(tree, 'usr', 'lib', what.name, path))

/** The system libraries that its binaries are linked to, as Debian's own tool finds them. */
function libraries(what, tree) {
  const scratch = join(tree, 'debian')
  put(join(scratch, 'control'), `Source: ${what.name}\n\nPackage: ${what.name}\nArchitecture: any\n`)
  const binaries = binariesIn(what, tree)
  const said = execFileSync('dpkg-shlibdeps', ['-O', '--ignore-missing-info', ...binaries], {
    cwd: tree,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  rmSync(scratch, { recursive: true })
  return said
    .trim()
    .replace(/^shlibs:Depends=/, '')
    .split(', ')
}

/** Files below a folder as paths from there, sorted. */
const filesIn = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => !each.isDirectory())
    .map((each) => relative(folder, join(each.parentPath, each.name)))
    .sort()

/** Neither the time of making nor the modes of the checkout are seen in a package. */
function settle(folder) {
  for (const each of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, each.name)
    if (each.isDirectory()) settle(path)
    else {
      chmodSync(path, lstatSync(path).mode & 0o100 ? 0o755 : 0o644)
      utimesSync(path, sourceDate, sourceDate)
    }
  }
  chmodSync(folder, folder.endsWith('/etc/pontage') ? 0o700 : 0o755)
  utimesSync(folder, sourceDate, sourceDate)
}
