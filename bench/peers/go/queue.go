package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// queueTask adds keys from some threads, then gets each, forgets it and is done with it, on the same threads.
func queueTask(threads, keys int) error {
	requests := make([]reconcile.Request, keys)
	for i := range requests {
		name := types.NamespacedName{Namespace: fmt.Sprintf("namespace-%d", i%100), Name: fmt.Sprintf("object-%d", i)}
		requests[i] = reconcile.Request{NamespacedName: name}
	}
	limiter := workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]()
	queue := workqueue.NewTypedRateLimitingQueue(limiter)
	var handled atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	for thread := range threads {
		share := requests[keys*thread/threads : keys*(thread+1)/threads]
		all.Go(func() {
			for _, request := range share {
				queue.Add(request)
			}
			for {
				request, shutDown := queue.Get()
				if shutDown {
					return
				}
				queue.Forget(request)
				queue.Done(request)
				if handled.Add(1) == int64(keys) {
					queue.ShutDown()
				}
			}
		})
	}
	all.Wait()
	fmt.Println("took", time.Since(start).Nanoseconds())
	return nil
}
