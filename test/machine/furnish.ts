import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Host, Market } from '../world/index.js'
import type { Machine } from './machine.js'

/** Installs the package of all programs, as made of this checkout. */
export const installPackage = (machine: Machine): Promise<string> =>
  machine.run(
    `mount -o ro /dev/disk/by-label/packages /mnt
    trap 'umount /mnt' EXIT
    DEBIAN_FRONTEND=noninteractive dpkg --install /mnt/*.deb`,
    300_000,
  )

/**
 * Carries somebody's home folder from a host of the world into a machine that has the package: what takes a processor long,
 * such as making a key and opening a channel, was done there.
 *
 * @param role - Name of the folder in `.pontage` of the home.
 * @param to - Where it goes in the machine, and is root's.
 * @param passwordFile - Takes the password, for root to read. Settings name none: a service has it as a credential.
 */
export async function carryHome(
  market: Market,
  machine: Machine,
  from: Host,
  role: 'consumer' | 'provider' | 'hub',
  to: string,
  passwordFile: string,
): Promise<void> {
  const packed = execFileSync('tar', ['-C', `${from.home}/.pontage/${role}`, '-cz', '.']).toString('base64')
  const deployment = readFileSync(market.deploymentFile).toString('base64')
  await machine.run(`
    mkdir -p -m 0700 ${to}
    base64 -d <<<${packed} | tar -C ${to} -xz --no-same-owner
    base64 -d <<<${deployment} >${to}/deployment.json
    sed -i 's#^deployment:.*#deployment: ${to}/deployment.json#; /^password-file:/d' ${to}/config.yaml
    (umask 077; printf '%s\\n' '${from.name} password' >${passwordFile})`)
}

/**
 * Waits until a unit has logged something since boot, and gives the line.
 *
 * @param text - What the line holds.
 * @param times - Lines that hold it; the last of them is given.
 * @throws Error with the end of its log when that takes longer than five minutes.
 */
export const unitLogged = (machine: Machine, unit: string, text: string, times = 1): Promise<string> =>
  machine.run(
    `exec 4< <(exec journalctl -b -u ${unit} -o cat -n all -f)
    follower=$!
    trap 'kill $follower' EXIT
    lines=$(timeout 300 grep --fixed-strings --max-count ${times} '${text}' <&4)
    if [ "$(wc -l <<<"$lines")" = ${times} ] && [ -n "$lines" ]; then tail -n 1 <<<"$lines"; exit; fi
    journalctl -b -u ${unit} -o cat | tail -n 40
    exit 1`,
    320_000,
  )
