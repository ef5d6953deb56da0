/* inject: runs a command and makes one system call of it fail. Usage: inject REPORT PAYLOAD ROLE INDEX ERRNO COMMAND
 * [ARG...]
 *
 * ROLE counts the processes in the order they are made, 0 being the command; INDEX counts the system calls of that
 * process from 1. ROLE -1 fails nothing. The call is not made; close(2) alone frees its descriptor whatever it
 * returns. Below a seccomp filter nothing fails: the filter would see a call that nobody made. A process that has
 * executed a file named PAYLOAD is let go with all its children: what comes after is not ours.
 *
 * REPORT gets a line for every call seen, "ROLE INDEX NUMBER", with " failed" behind the one that was made to. Exit
 * status is the command's, 128 plus the signal's number if one ended it.
 *
 * For x86-64: where a register holds the result is the machine's own affair.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES_MAX = 4096, SYSCALL_STOP = SIGTRAP | 0x80 };

struct process {
	pid_t pid;
	int role, count;
	bool in_call, failing, started;
};

static struct process processes[PROCESSES_MAX];
static int process_count;
static FILE *report;
static const char *payload;
static int wanted_role, wanted_index, wanted_errno;

static struct process *find(pid_t pid)
{
	for (int i = process_count - 1; i >= 0; i--)
		if (processes[i].pid == pid)
			return &processes[i];
	if (process_count == PROCESSES_MAX)
		exit(125);
	processes[process_count] = (struct process){ .pid = pid, .role = process_count };
	return &processes[process_count++];
}

static bool runs_payload(pid_t pid)
{
	char link[64], path[PATH_MAX];
	ssize_t length = 0;
	const char *name = NULL;

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < 0)
		return false;
	path[length] = '\0';
	name = strrchr(path, '/');
	return strcmp(name ? name + 1 : path, payload) == 0;
}

static bool is_filtered(pid_t pid)
{
	char path[64], line[256];
	bool filtered = false;
	FILE *file = NULL;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		filtered = filtered || strcmp(line, "Seccomp:\t2\n") == 0;
	if (file)
		fclose(file);
	return filtered;
}

static void enter_call(struct process *process)
{
	struct user_regs_struct regs;

	process->count++;
	if (ptrace(PTRACE_GETREGS, process->pid, NULL, &regs) < 0)
		return;
	process->failing = process->role == wanted_role && process->count == wanted_index && !is_filtered(process->pid);
	fprintf(report, "%d %d %llu%s\n", process->role, process->count, regs.orig_rax,
		process->failing ? " failed" : "");
	if (process->failing && regs.orig_rax != SYS_close) {
		regs.orig_rax = ~0ULL;
		ptrace(PTRACE_SETREGS, process->pid, NULL, &regs);
	}
}

static void leave_call(struct process *process)
{
	struct user_regs_struct regs;

	if (!process->failing || ptrace(PTRACE_GETREGS, process->pid, NULL, &regs) < 0)
		return;
	process->failing = false;
	regs.rax = (unsigned long long)-wanted_errno;
	ptrace(PTRACE_SETREGS, process->pid, NULL, &regs);
}

/* Lets a stopped process go on, after looking at why it stopped. */
static void stopped(pid_t pid, int status)
{
	struct process *process = find(pid);
	int sig = WSTOPSIG(status), event = status >> 16, pass = 0;

	if (sig == SYSCALL_STOP) {
		process->in_call = !process->in_call;
		if (process->in_call)
			enter_call(process);
		else
			leave_call(process);
	} else if (event == PTRACE_EVENT_EXEC && process->role > 0 && runs_payload(pid)) {
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
		return;
	} else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
		unsigned long child = 0;

		ptrace(PTRACE_GETEVENTMSG, pid, NULL, &child);
		find((pid_t)child);
	} else if (event == 0 && sig == SIGSTOP && !process->started) {
		process->started = true;
	} else if (event == 0) {
		pass = sig;
	}
	ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)pass);
}

static int watch(pid_t first)
{
	int status = 0, result = 125;

	for (;;) {
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return result;
		if (WIFSTOPPED(status))
			stopped(pid, status);
		else if (pid == first)
			result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

int main(int argc, char **argv)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
			     PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	pid_t pid = 0;
	int status = 0;

	if (argc < 7)
		return 125;
	report = fopen(argv[1], "we");
	payload = argv[2];
	wanted_role = (int)strtol(argv[3], NULL, 10);
	wanted_index = (int)strtol(argv[4], NULL, 10);
	wanted_errno = (int)strtol(argv[5], NULL, 10);
	pid = fork();
	if (!report || pid < 0)
		return 125;
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execvp(argv[6], argv + 6);
		_exit(125);
	}
	find(pid)->started = true;
	if (waitpid(pid, &status, 0) < 0 || ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)options) < 0)
		return 125;
	ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	status = watch(pid);
	fclose(report);
	return status;
}
