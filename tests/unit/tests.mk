# SPDX-License-Identifier: MIT
# The objects each unit test and simulation links, by path under src/ without .o
test_num_OBJS := base/num
test_text_OBJS := base/text
test_need_OBJS := policy/need
test_fsm_OBJS := policy/fsm
test_swapsize_OBJS := policy/swapsize policy/fsm policy/need
test_idle_OBJS := policy/idle
test_rank_OBJS := policy/rank policy/idle policy/reason
test_plan_OBJS := policy/plan policy/rank policy/idle policy/reason
test_protect_OBJS := policy/protect policy/patterns base/num
sim_traces_OBJS := policy/need policy/fsm policy/plan policy/rank policy/idle policy/reason
test_options_OBJS := config/options config/suggest config/value config/valuetext base/num base/text
test_config_OBJS := config/check config/config config/file config/ini config/options config/print config/suggest \
	config/value config/valuetext config/why base/num base/text
test_config_LIBS := -liniparser
test_meminfo_OBJS := sys/meminfo sys/procfs base/num
test_psi_OBJS := sys/psi sys/procfs base/num
test_procstat_OBJS := sys/proclist sys/procstat sys/procfs base/num
test_regions_OBJS := sys/regions sys/lines sys/procfs base/num
test_smaps_OBJS := sys/smaps sys/regions sys/lines sys/procfs base/num
test_procps_OBJS := sys/procstat sys/proclist sys/procfs base/num
test_procps_LIBS := -lproc2
test_executor_OBJS := daemon/executor sys/lookout sys/heldfile sys/proclist sys/procstat sys/procfs sys/pidpin sys/clock base/num
test_advise_OBJS := backend/advise sys/lines sys/pagemap sys/pidpin sys/procfs sys/procmadv sys/proclist sys/procstat sys/regions base/num
test_madvise_OBJS := backend/advise backend/advise_thread backend/madvise base/text daemon/executor sys/clock sys/heldfile sys/lines sys/lookout sys/pagemap \
	sys/pidpin sys/procfs sys/proclist sys/procstat sys/regions sys/thread base/num
test_pagemap_OBJS := sys/pagemap sys/procfs
test_notify_OBJS := sys/notify sys/lockfile sys/heldfile sys/stdfiles base/num
test_lookout_OBJS := sys/lookout sys/heldfile sys/procstat sys/proclist sys/procfs base/num
test_log_OBJS := base/log base/text
test_sampler_OBJS := daemon/sampler policy/idle policy/need policy/patterns policy/protect sys/clock sys/heldfile sys/lookout sys/meminfo sys/privs sys/procfs \
	sys/proclist sys/procstat sys/psi base/num
test_sampler_LIBS := -lcap-ng
test_daemon_OBJS := $(addprefix base/,log num octal text) \
	$(addprefix policy/,fsm idle need patterns plan prelock protect rank reason swapsize) \
	$(addprefix config/,check config file ini options print suggest value valuetext why) \
	$(addprefix sys/,clock dirnames filefacts heldfile lines lookout machregs meminfo mlockfile mountinfo pagemap pidpin privs procfs proclist procmadv procstat psi \
	regions thread tracee unixsock extents fstab fstype resume resumefile rootdir swapfile swapheader swaps sysblock) \
	$(addprefix backend/,advise advise_thread attached attached_ask attached_peer imageclean imagefile \
	madvise null orphan revive swapify wiretext) \
	$(addprefix daemon/,actions daemon executor frozen handover handover_text prelock prelock_rules prelock_scan prelock_table sampler swapareas swapchild swapended swapspace)
test_daemon_LIBS := -liniparser -lcap-ng
test_noheap_OBJS := $(test_daemon_OBJS) sys/notify daemon/loop daemon/status
test_noheap_LIBS := -liniparser -lcap-ng
test_elfkind_OBJS := cli/elfkind
test_revive_OBJS := backend/revive sys/tracee sys/machregs sys/clock sys/pidpin sys/procfs sys/proclist sys/procstat base/num base/text
test_revive_LIBS := -lpthread
test_syscallfilter_OBJS := sys/syscallfilter
test_syscallfilter_LIBS := -lseccomp
test_wiretext_OBJS := backend/wiretext base/num
test_attached_OBJS := backend/attached backend/attached_ask backend/attached_peer backend/wiretext sys/dirnames sys/heldfile sys/lookout sys/pidpin sys/procfs sys/proclist sys/procstat \
	sys/unixsock base/num base/text
test_swapify_OBJS := backend/swapify $(test_attached_OBJS)
test_unixsock_OBJS := sys/unixsock
test_imagefile_OBJS := backend/imagefile sys/procfs
test_swapargs_OBJS := cli/swap_args cli/swap_dirs sys/unixsock base/num base/text
test_memadvise_OBJS := cli/memadvise_args cli/memadvise_plan cli/memadvise_why sys/privs sys/procfs base/num base/text
test_memadvise_LIBS := -lcap-ng
test_octal_OBJS := base/octal base/text
test_swaps_OBJS := sys/swaps sys/procfs base/num base/octal base/text
test_swapheader_OBJS := sys/swapheader
test_swapfile_OBJS := sys/swapfile sys/swapheader sys/extents sys/fstype
test_blockdev_OBJS := sys/blkprobe sys/loopdev sys/swapfile sys/swapheader sys/sysblock sys/procfs base/num
test_blockdev_LIBS := -lblkid
test_fstab_OBJS := sys/fstab base/octal base/text
test_mountinfo_OBJS := sys/mountinfo sys/procfs base/num base/octal base/text
test_resume_OBJS := sys/resume sys/resumefile sys/extents sys/fstype sys/mountinfo sys/procfs base/num base/octal base/text
test_rootdir_OBJS := sys/rootdir sys/procfs base/num base/text
test_swapspace_OBJS := $(addprefix base/,log num octal text) $(addprefix policy/,fsm need swapsize) \
	$(addprefix daemon/,swapareas swapchild swapended swapspace) $(addprefix sys/,clock dirnames extents fstab fstype mountinfo \
	pidpin procfs resume resumefile rootdir swapfile swapheader swaps sysblock)
test_overcommit_OBJS := sys/overcommit sys/procfs base/num
test_swapctl_wish_OBJS := cli/swapctl_wish sys/fstab base/num base/octal base/text
test_swapctl_check_OBJS := cli/swapctl_check cli/swapctl_wish sys/fstab base/num base/octal base/text
test_swapctl_facts_OBJS := $(addprefix cli/swapctl_,identity indel say sum vswap) sys/meminfo sys/overcommit sys/procfs \
	sys/swaps base/num base/octal base/text
test_swapctl_print_OBJS := $(addprefix cli/swapctl_,identity indel json listing print say sum vswap) \
	$(addprefix sys/,loopdev meminfo overcommit procfs swapfile swapheader swaps sysblock) base/num base/octal base/text
test_swapctl_print_LIBS := -ljson-c
test_prelock_OBJS := $(addprefix policy/,patterns prelock) daemon/prelock_rules daemon/prelock_scan daemon/prelock_table \
	$(addprefix sys/,clock filefacts lines mlockfile mountinfo procfs proclist procstat regions) base/num base/octal base/text
