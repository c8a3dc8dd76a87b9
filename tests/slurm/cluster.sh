#!/usr/bin/env bash
# A real SLURM cluster on this machine, to try `snakemake --profile slurm` on. As root, on Debian:
#
#   tests/slurm/cluster.sh start [--accounting]   install what is missing, start the daemons, wait until a GPU job has run
#   tests/slurm/cluster.sh stop                   cancel the jobs, end the daemons that `start` began
#   tests/slurm/cluster.sh stop-controller        end slurmctld alone; jobs go on
#   tests/slurm/cluster.sh start-controller       begin it again, with the jobs that it knew
#
# One node, partitions cpu (default) and gpu, four GPUs that are /dev/null: SLURM counts and hands them out like real ones.
# The node claims six cores, or what the machine has. All daemons listen on the loopback address alone.
# A job that holds more memory than it asked for is killed within a second or two.
set -euo pipefail

STATE=${GOLGI_SLURM_STATE:-/tmp/golgi-slurm}
CONF=/etc/slurm
OURS="# Written by the tests of Golgi."
HOST=$(hostname -s)
GPUS=4
CPUS=$(nproc)
[ "$CPUS" -ge 6 ] || CPUS=6
MEMORY=$(($(awk '/^MemTotal:/ {print $2}' /proc/meminfo) / 1024 - 512))

die() {
    echo "cluster.sh: $*" >&2
    exit 1
}

patiently() { # SECONDS COMMAND...: until it succeeds
    local until=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $until ] || die "this did not succeed in time: $*; see $STATE/log"
        sleep 0.2
    done
}

running() { # DAEMON: the one that we began
    local pid
    pid=$(cat "$STATE/pids/$1" 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ]
}

end() { # DAEMON
    running "$1" || return 0
    local pid
    pid=$(cat "$STATE/pids/$1")
    kill "$pid"
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.1; done
    kill -KILL "$pid"
}

install_packages() {
    local wanted=() package
    for package in "$@"; do dpkg -s "$package" >/dev/null 2>&1 || wanted+=("$package"); done
    [ ${#wanted[@]} -gt 0 ] || return 0
    echo "Installing ${wanted[*]}"
    # Packages start daemons of their own unless they are told not to; ours begin further down.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod 755 /usr/sbin/policy-rc.d
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update --quiet && apt-get install --yes --quiet --no-install-recommends "${wanted[@]}"; } \
        >"$STATE/log/apt.log" 2>&1 || die "apt-get failed; see $STATE/log/apt.log"
}

answers_munge() { munge --no-input | unmunge; }

start_munge() {
    ! answers_munge >/dev/null 2>&1 || return 0
    [ -s /etc/munge/munge.key ] || mungekey --create --keyfile /etc/munge/munge.key
    chown munge:munge /etc/munge/munge.key
    chmod 400 /etc/munge/munge.key
    install -d -o munge -g munge -m 755 /run/munge
    install -d -o munge -g munge -m 700 /var/log/munge /var/lib/munge
    runuser -u munge -- /usr/sbin/munged --force
    patiently 10 answers_munge
    cp /run/munge/munged.pid "$STATE/pids/munged"
}

write_configuration() { # ACCOUNTING: yes or no
    # The daemons bind to what the host's name resolves to.
    case $(getent ahostsv4 "$(hostname)" | awk 'NR == 1 {print $1}') in
        127.*) ;;
        *) printf '127.0.0.1 %s %s %s\n' "$(hostname)" "$HOST" "$OURS" | cat - /etc/hosts >"$STATE/hosts"
           cat "$STATE/hosts" >/etc/hosts ;; # written in place: in a container it is a mount
    esac
    local accounting="AccountingStorageType=accounting_storage/none"
    [ "$1" = no ] || accounting="AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment"
    cat >$CONF/slurm.conf <<CONFIGURATION
$OURS
ClusterName=golgi
SlurmctldHost=$HOST(127.0.0.1)
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
StateSaveLocation=$STATE/slurmctld
SlurmdSpoolDir=$STATE/slurmd
SlurmctldPidFile=$STATE/pids/slurmctld
SlurmdPidFile=$STATE/pids/slurmd
SlurmctldLogFile=$STATE/log/slurmctld.log
SlurmdLogFile=$STATE/log/slurmd.log
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_interval=5,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
GresTypes=gpu
# Ended jobs stay in view: the tests read how they ran.
MinJobAge=7200
KillWait=5
ReturnToService=2
EnforcePartLimits=ALL
$accounting
SlurmdParameters=config_overrides
NodeName=$HOST NodeAddr=127.0.0.1 CPUs=$CPUS RealMemory=$MEMORY Gres=gpu:fake:$GPUS State=UNKNOWN
PartitionName=cpu Nodes=$HOST Default=YES MaxTime=1-00:00:00 State=UP
PartitionName=gpu Nodes=$HOST MaxTime=1-00:00:00 State=UP
CONFIGURATION
    echo "$OURS" >$CONF/gres.conf
    for ((gpu = 0; gpu < GPUS; gpu++)); do
        [ -c "$STATE/gpu$gpu" ] || mknod -m 666 "$STATE/gpu$gpu" c 1 3
        echo "NodeName=$HOST Name=gpu Type=fake File=$STATE/gpu$gpu" >>$CONF/gres.conf
    done
    printf '%s\nCgroupPlugin=cgroup/v1\nCgroupAutomount=no\n' "$OURS" >$CONF/cgroup.conf
}

sql() { mariadb --no-defaults --user=root --socket="$STATE/mariadb.sock" --execute="$1"; }

start_accounting() {
    if [ ! -d "$STATE/mariadb" ]; then
        mariadb-install-db --no-defaults --user=root --datadir="$STATE/mariadb" --skip-test-db >"$STATE/log/mariadb.log" 2>&1
    fi
    setsid mariadbd --no-defaults --user=root --datadir="$STATE/mariadb" --socket="$STATE/mariadb.sock" \
        --pid-file="$STATE/pids/mariadbd" --skip-networking >>"$STATE/log/mariadb.log" 2>&1 </dev/null &
    patiently 30 sql "SELECT 1"
    sql "CREATE DATABASE IF NOT EXISTS slurm_acct_db; CREATE USER IF NOT EXISTS slurm@localhost; GRANT ALL ON slurm_acct_db.* TO slurm@localhost;"
    cat >$CONF/slurmdbd.conf <<CONFIGURATION
$OURS
AuthType=auth/munge
DbdHost=$HOST
DbdAddr=127.0.0.1
CommunicationParameters=NoInAddrAny
SlurmUser=root
PidFile=$STATE/pids/slurmdbd
LogFile=$STATE/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StorageLoc=slurm_acct_db
CONFIGURATION
    chmod 600 $CONF/slurmdbd.conf
    # MariaDB's client finds its socket by this name where the host is `localhost`.
    MYSQL_UNIX_PORT="$STATE/mariadb.sock" /usr/sbin/slurmdbd
    patiently 60 sacctmgr --noheader list cluster
    sacctmgr --immediate --quiet add cluster golgi >/dev/null || true
    sacctmgr --immediate --quiet add account neurons Cluster=golgi >/dev/null || true
    sacctmgr --immediate --quiet add user root Account=neurons DefaultAccount=neurons >/dev/null || true
}

usable() { [[ $(sinfo --noheader --Node --format=%T | head -1) =~ ^(idle|mixed|allocated)$ ]]; }

start_controller() {
    /usr/sbin/slurmctld
    patiently 30 scontrol ping
}

start() {
    local accounting=no packages=(munge slurm-wlm)
    if [ "${1:-}" = --accounting ]; then accounting=yes packages+=(slurmdbd mariadb-server); fi
    [ "$(id -u)" = 0 ] || die "only root can start daemons and make devices"
    command -v apt-get >/dev/null || die "only Debian's packages are known here"
    if [ -e $CONF/slurm.conf ] && ! grep -qF "$OURS" $CONF/slurm.conf; then
        die "$CONF/slurm.conf is not ours: this machine has a cluster of its own"
    fi
    ! running slurmctld || die "it runs already"
    mkdir -p "$STATE"/{pids,log,slurmd} "$CONF"
    install -d -m 700 "$STATE/slurmctld"
    install_packages "${packages[@]}"
    start_munge
    write_configuration $accounting
    [ $accounting = no ] || start_accounting
    start_controller
    /usr/sbin/slurmd -N "$HOST"
    patiently 30 usable
    # Jobs wait until the GPUs are registered: let one show it.
    patiently 60 timeout 20 srun --quiet --partition=gpu --gpus=1 --mem=50 true
    sinfo
}

stop() {
    if running slurmctld; then
        squeue --noheader --format=%A | sort --unique | xargs --no-run-if-empty scancel --full || true
        for _ in $(seq 50); do [ -n "$(squeue --noheader)" ] || break; sleep 0.2; done
    fi
    for daemon in slurmd slurmctld slurmdbd mariadbd munged; do end $daemon; done
    for file in slurm.conf gres.conf cgroup.conf slurmdbd.conf; do
        ! grep -qsF "$OURS" "$CONF/$file" || rm "$CONF/$file"
    done
    if grep -qF "$OURS" /etc/hosts; then
        grep -vF "$OURS" /etc/hosts >"$STATE/hosts" || true
        cat "$STATE/hosts" >/etc/hosts
    fi
    rm -rf "$STATE"
}

case ${1:-} in
    start) start "${2:-}" ;;
    stop) stop ;;
    stop-controller) end slurmctld ;;
    start-controller) start_controller ;;
    *) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
