package main
import ("context";"fmt";"os";"github.com/pxeproof/pxeproof/harness/assets")
func main(){ s:=&assets.Store{Log: func(m string){fmt.Println(m)}}
 ctx:=context.Background()
 for _,n:=range os.Args[1:]{ a,err:=s.Find(ctx,n); fmt.Println(a,err); a,err=s.Fetch(ctx,n); fmt.Printf("%+v %v\n",a,err)}
 k,err:=s.Kernel(ctx,"kernel"); fmt.Printf("%+v %v\n",k,err)
}
