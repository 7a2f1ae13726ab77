// The unary echo of labs/echo in C++ with gRPC's own library, for `./workshop bench echo`: the completion-queue API, which
// is its fastest, with a queue and a thread a core.
//
//     peer_grpc_cpp HOST:PORT
#include <grpcpp/grpcpp.h>

#include <iostream>
#include <memory>
#include <thread>
#include <vector>

#include "echo.grpc.pb.h"

// One call: asked for, answered, finished; then it makes room for the next.
class Call {
public:
    Call(echo::Echo::AsyncService *service, grpc::ServerCompletionQueue *queue)
        : service_(service), queue_(queue), writer_(&context_)
    {
        service_->RequestEcho(&context_, &request_, &writer_, queue_, queue_, this);
    }

    void proceed()
    {
        if (answered_) {
            delete this;
            return;
        }
        new Call(service_, queue_);
        echo::EchoResponse response;
        response.set_message(std::move(*request_.mutable_message()));
        answered_ = true;
        writer_.Finish(response, grpc::Status::OK, this);
    }

private:
    echo::Echo::AsyncService *service_;
    grpc::ServerCompletionQueue *queue_;
    grpc::ServerContext context_;
    echo::EchoRequest request_;
    grpc::ServerAsyncResponseWriter<echo::EchoResponse> writer_;
    bool answered_ = false;
};

static void serve(echo::Echo::AsyncService *service, grpc::ServerCompletionQueue *queue)
{
    const int waiting = 256; // calls that may come before one is answered
    for (int i = 0; i < waiting; i++)
        new Call(service, queue);
    void *tag;
    for (bool ok; queue->Next(&tag, &ok);)
        if (ok)
            static_cast<Call *>(tag)->proceed();
        else
            delete static_cast<Call *>(tag);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        std::cerr << "usage: peer_grpc_cpp HOST:PORT\n";
        return 2;
    }
    echo::Echo::AsyncService service;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(argv[1], grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues;
    for (unsigned i = 0; i < std::thread::hardware_concurrency(); i++)
        queues.push_back(builder.AddCompletionQueue());
    auto server = builder.BuildAndStart();
    if (!server)
        return 1;
    std::vector<std::thread> threads;
    for (auto &queue : queues)
        threads.emplace_back(serve, &service, queue.get());
    for (auto &thread : threads)
        thread.join();
}
