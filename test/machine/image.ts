import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { guestFiles, machineFolder, packages, recipeDigest, units } from './recipe.js'

/** A machine's disk with its kernel; the disk is never written to. */
export interface Image {
  readonly disk: string
  readonly kernel: string
  readonly initrd: string
}

const imageIn = (folder: string): Image => ({
  disk: join(folder, 'disk.img'),
  kernel: join(folder, 'vmlinuz'),
  initrd: join(folder, 'initrd'),
})

/** The image of this recipe, if it was made already. */
export function standingImage(): Image | undefined {
  const image = imageIn(imageFolder())
  return existsSync(image.initrd) ? image : undefined
}

/** Makes the image with mmdebstrap: about a minute, mostly downloads from this machine's own mirror. */
export function makeImage(): Image {
  const folder = imageFolder()
  const making = `${folder}.making`
  const root = join(making, 'root')
  rmSync(making, { recursive: true, force: true })
  mkdirSync(making, { recursive: true })
  run(
    ...(['mmdebstrap', '--quiet', '--variant=minbase', `--include=${packages.join(',')}`] as const),
    // Before the kernel, whose first disk is made as they say.
    `--essential-hook=copy-in ${join(guestFiles, 'etc')} ${join(guestFiles, 'usr')} /`,
    ...[release(), root, ...sources()],
  )
  run('chroot', root, 'systemctl', '--quiet', 'enable', ...units.enabled)
  run('chroot', root, 'systemctl', '--quiet', 'mask', ...units.masked)
  run('chroot', root, 'ln', '-sf', '../run/systemd/resolve/stub-resolv.conf', '/etc/resolv.conf')
  run('chroot', root, 'sh', '-c', 'echo machine >/etc/hostname; echo "127.0.1.1 machine" >>/etc/hosts')
  const boot = join(root, 'boot')
  const bootFile = (start: string) =>
    join(boot, readdirSync(boot).find((name) => name.startsWith(start)) ?? `${start} is missing`)
  const image = imageIn(making)
  copyFileSync(bootFile('vmlinuz-'), image.kernel)
  run('mkfs.ext4', '-q', '-L', 'machine', '-d', root, image.disk, '3G')
  copyFileSync(bootFile('initrd.img-'), image.initrd)
  rmSync(root, { recursive: true })
  for (const name of readdirSync(machineFolder).filter((each) => each.startsWith('image-')))
    if (join(machineFolder, name) !== making) rmSync(join(machineFolder, name), { recursive: true })
  renameSync(making, folder)
  return imageIn(folder)
}

const imageFolder = (): string => join(machineFolder, `image-${recipeDigest(release())}`)

/** The release of Debian that this machine runs, whose mirror it knows. @throws Error on another system. */
function release(): string {
  const text = readFileSync('/etc/os-release', 'utf8')
  const [, name] = /^VERSION_CODENAME=(\w+)/m.exec(text) ?? []
  if (!/^ID=debian$/m.test(text) || name === undefined)
    throw new Error('The image is made from the mirror that this machine uses, so this needs Debian.')
  return name
}

/** The files that tell this machine's apt where Debian's packages are: those that name the release itself. */
function sources(): string[] {
  const folder = '/etc/apt/sources.list.d'
  const files = ['/etc/apt/sources.list', ...readdirSync(folder).map((name) => join(folder, name))]
  const named = new RegExp(`^(Suites:|deb )(.*\\s)?${release()}(-updates|-security)?(\\s|$)`, 'm')
  const found = files.filter((file) => existsSync(file) && named.test(readFileSync(file, 'utf8')))
  if (found.length === 0)
    throw new Error(
      `No file in /etc/apt names the packages of Debian ${release()}: add this machine's mirror there.`,
    )
  return found
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}
