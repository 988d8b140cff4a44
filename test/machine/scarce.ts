import type { Machine } from './machine.js'

interface Scarcity {
  /** Script that brings it about. */
  readonly strikes: string
  readonly ends: (machine: Machine) => Promise<unknown>
  /** Whether it ends only with a start of the machine. */
  readonly isLasting: boolean
}

/** What a machine may be short of. */
export const scarce: Readonly<Record<string, Scarcity>> = {
  'a full disk': {
    strikes: `mkdir /full; n=0
      for size in 1G 100M 10M 1M 100K 4K; do while fallocate --length $size /full/$((n += 1)); do :; done; done 2>/dev/null
      ! echo more >/full/last 2>/dev/null || ! head -c 64K /dev/zero >/full/last`,
    ends: (machine) => machine.run('rm -r /full'),
    isLasting: false,
  },
  // As Debian's installer has it: nothing is written any more once the kernel has found a fault on the disk.
  'a faulty disk, which is read-only': {
    strikes: `mount -o remount,errors=remount-ro /
      echo story >/sys/fs/ext4/vda/trigger_fs_error
      until ! touch /written 2>/dev/null; do sleep 0.2; done`,
    async ends(machine) {
      await machine.cut()
      await machine.powerOn()
    },
    isLasting: true,
  },
}

/** Leaves a unit too little memory: the kernel kills what runs of it, the processes beside the main one first. */
export const starve = (unit: string): string => `
  main=$(systemctl show --property MainPID --value ${unit})
  for each in $(cat "/sys/fs/cgroup$(systemctl show --property ControlGroup --value ${unit})/cgroup.procs"); do
    [ "$each" = "$main" ] || echo 1000 >"/proc/$each/oom_score_adj" || true
  done
  systemctl set-property --runtime ${unit} MemoryMax=24M
  until journalctl -b -u ${unit} -o cat | grep -q 'OOM killer' &&
    [ "$(systemctl show --property MainPID --value ${unit})" != "$main" ]; do sleep 0.2; done`

/** Gives it back. */
export const feed = (unit: string): string => `systemctl set-property --runtime ${unit} MemoryMax=infinity`
