import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { debianRoot } from './debianRoot.mjs'
import { layOut, put } from './programTree.mjs'
import { sourceDate, version } from './repository.mjs'
import { packages, roles } from './roles.mjs'

/** What Node is linked to, and what certificates of nodes are checked against. */
const always = ['ca-certificates', 'libatomic1', 'libstdc++6']
const architecture = { x64: 'amd64', arm64: 'arm64' }[process.arch]

/** Containers that are made, by the role that runs in them; `user` is a number, since an image brings no list of users. */
const images = {
  hub: { user: 10_001, ports: ['7700/tcp'], include: [] },
  provider: {
    user: 0,
    ports: ['7711/tcp', '51820/udp'],
    include: ['wireguard-tools', 'nftables', 'iproute2', 'iputils-ping', 'wireguard-go'],
  },
}

/** Roles that have an image. */
export const imageRoles = /** @type {readonly (keyof typeof images)[]} */ (Object.keys(images))

/**
 * Makes an image as one archive that any engine loads (an OCI layout): Debian below, the program above it. The same bytes for the
 * same commit and the same packages of Debian.
 *
 * @param {keyof typeof images} role
 * @param {string} scratch - Folder that is made anew.
 * @param {string} out - Folder that takes the archive.
 * @returns {Promise<string>} its path.
 */
export async function makeImage(role, scratch, out) {
  const { user, ports, include } = images[role]
  const { program } = roles[role]
  const home = `/var/lib/${program}`
  const [tree, layout] = ['tree', 'layout'].map((name) => join(scratch, name))
  rmSync(scratch, { recursive: true, force: true })
  mkdirSync(tree, { recursive: true })
  const what = packages.find(({ roles: held }) => held.length === 1 && held[0] === role)
  await layOut(what, tree)
  for (const unneeded of [
    'etc',
    'usr/share/man',
    'usr/share/bash-completion',
    'usr/share/zsh',
    'usr/lib/systemd',
  ])
    rmSync(join(tree, unneeded), { recursive: true, force: true })
  for (const unneeded of ['sysusers.d', 'tmpfiles.d'])
    rmSync(join(tree, 'usr', 'lib', unneeded), { recursive: true, force: true })
  const layers = [
    layerOfDebian([...always, ...include]),
    archiveOf(tree, []),
    archiveOf(emptyHome(scratch, home), [`--owner=${user}`, `--group=${user}`]),
  ]
  const config = {
    created: new Date(sourceDate * 1_000).toISOString(),
    ...{ architecture, os: 'linux' },
    config: {
      User: `${user}:${user}`,
      Env: [
        'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
        `HOME=${home}`,
        `${program.toUpperCase().replace('-', '_')}_HOME=${home}`,
      ],
      ...{ Entrypoint: [`/usr/bin/${program}`], Cmd: ['run'], WorkingDir: home, StopSignal: 'SIGTERM' },
      ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])),
      Volumes: { [home]: {} },
      Labels: { 'org.opencontainers.image.version': version },
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ plain }) => plain) },
  }
  write(layout, program, config, layers)
  const path = join(out, `${program}-${version}.oci.tar`)
  execFileSync('tar', [...steady, '--file', path, '--directory', layout, 'blobs', 'index.json', 'oci-layout'])
  return path
}

/** A layout of one image, as the OCI's image format has it. */
function write(layout, name, config, layers) {
  const type = (what) => `application/vnd.oci.image.${what}`
  const blob = (mediaType, content) => {
    const digest = digestOf(content)
    put(join(layout, 'blobs', ...digest.split(':')), content)
    return { mediaType, digest, size: content.length }
  }
  const json = (value) => Buffer.from(JSON.stringify(value))
  const packed = layers.map((layer) => blob(type('layer.v1.tar+gzip'), layer.packed))
  const manifest = json({
    ...{ schemaVersion: 2, mediaType: type('manifest.v1+json') },
    ...{ config: blob(type('config.v1+json'), json(config)), layers: packed },
  })
  const entry = {
    ...blob(type('manifest.v1+json'), manifest),
    annotations: { 'org.opencontainers.image.ref.name': `${name}:${version}` },
  }
  put(join(layout, 'index.json'), json({ schemaVersion: 2, manifests: [entry] }))
  put(join(layout, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }))
}

/** A layer: digest of its archive, and that archive compressed. */
const layerOf = (archive) => ({ plain: digestOf(archive), packed: gzipSync(archive, { level: 6 }) })

/** The Debian below a program; its compressed form lies beside the archive. */
function layerOfDebian(include) {
  const archive = debianRoot('image', { variant: 'essential', include })
  const content = readFileSync(archive)
  const path = `${archive}.gz`
  if (!existsSync(path)) {
    put(`${path}.${process.pid}`, gzipSync(content, { level: 6 }))
    renameSync(`${path}.${process.pid}`, path)
  }
  return { plain: digestOf(content), packed: readFileSync(path) }
}

const digestOf = (content) => `sha256:${createHash('sha256').update(content).digest('hex')}`

/** Neither times nor the order of a folder are seen in an archive. */
const steady = [
  '--create',
  '--sort=name',
  '--format=gnu',
  '--numeric-owner',
  `--mtime=@${sourceDate}`,
  '--mode=go-w',
]

const archiveOf = (folder, owner) =>
  layerOf(
    execFileSync(
      'tar',
      [...steady, '--owner=0', '--group=0', ...owner, '--file', '-', '--directory', folder, '.'],
      {
        maxBuffer: 2 ** 30,
      },
    ),
  )

/** A tree with nothing in it but the home, which belongs to who runs the program. */
function emptyHome(scratch, home) {
  const folder = join(scratch, 'home')
  mkdirSync(join(folder, home), { recursive: true, mode: 0o755 })
  return folder
}
