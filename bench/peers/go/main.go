// What is measured beside Kubewright: the same tasks on client-go's work queue and on controller-runtime.
//
// Each task is told and tells by the lines that bench/src/runtime/task.rs describes.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	number := func(at int) int {
		value, err := strconv.Atoi(arguments[at])
		if err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(2)
		}
		return value
	}
	switch {
	case len(arguments) == 3 && arguments[0] == "queue":
		return queueTask(number(1), number(2))
	case len(arguments) == 2 && arguments[0] == "cache":
		return cacheTask(arguments[1])
	case len(arguments) == 1 && arguments[0] == "latency":
		return latencyTask()
	case len(arguments) == 2 && arguments[0] == "patch":
		return patchTask(number(1))
	case len(arguments) == 1 && arguments[0] == "operator":
		return operatorTask()
	}
	return fmt.Errorf("no such task: %q", arguments)
}

// waitForLine waits until the parent process says something or closes the pipe.
func waitForLine() {
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
}
