package lanes
import ("testing";"math/rand";"time";"os";"strconv";"runtime/debug";"fmt")
func TestZZ(t *testing.T) {
	n,_ := strconv.Atoi(os.Getenv("ZZ"))
	from,_ := strconv.Atoi(os.Getenv("ZF"))
	for seed := from; seed < from+n; seed++ {
		seed := seed
		ok := t.Run(fmt.Sprint(seed), func(t *testing.T){
			timer := time.AfterFunc(20*time.Second, func(){ debug.SetTraceback("all"); panic(fmt.Sprint("hang seed ", seed)) })
			defer timer.Stop()
			r := rand.New(rand.NewSource(int64(seed)))
			list := make([]byte, 50+r.Intn(800)); r.Read(list)
			w := newWorld(t)
			w.state.bounds = bounds{lanes: 2, unresolved: 1, lane: 3, stops: 1, page: 3}
			w.strict = true
			w.moody(); w.begin(nil)
			for _, b := range list { w.play(b) }
			w.cure()
		})
		if !ok { return }
	}
}
