/* A client through TensorFlow's C API: no Python, no protocol buffers, no code of this project.

   client MODEL OUTPUT_OPERATION OUTPUT_INDEX PHOTO RESULT < keypoints

   Loads a SavedModel, runs its serving_default on one photo and another pose, and writes the resulting
   image_bytes, the given output, to a file. Between two such requests it sends some bad ones and prints one
   line per error: the mistake, the code, the message. Standard input holds 72 numbers: the keypoints (y, x)
   of the source, then those of the target. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"

#define COUNT 36

typedef struct {
  TF_Session* session;
  TF_Output inputs[3];
  TF_Output output;
} Model;

static void release(void* data, size_t length, void* unused) {
  (void)length, (void)unused;
  free(data);
}

static TF_Tensor* floats(const float* values, const int64_t* dims, int rank) {
  size_t size = sizeof(float);
  for (int axis = 0; axis < rank; ++axis) size *= (size_t)dims[axis];
  void* copy = malloc(size);
  memcpy(copy, values, size);
  return TF_NewTensor(TF_FLOAT, dims, rank, copy, size, release, NULL);
}

static TF_Tensor* string(const char* bytes, size_t length) {
  const int64_t dims[1] = {1};
  TF_Tensor* tensor = TF_AllocateTensor(TF_STRING, dims, 1, sizeof(TF_TString));
  TF_TString* value = (TF_TString*)TF_TensorData(tensor);
  TF_TString_Init(value);
  TF_TString_Copy(value, bytes, length);
  return tensor;
}

/* Runs the model. On failure prints the error and returns NULL. */
static TF_Tensor* run(const Model* model, const char* name, TF_Tensor* photo, TF_Tensor* source,
                      TF_Tensor* target) {
  TF_Status* status = TF_NewStatus();
  TF_Tensor* values[3] = {photo, source, target};
  TF_Tensor* answer = NULL;
  TF_SessionRun(model->session, NULL, model->inputs, values, 3, &model->output, &answer, 1, NULL, 0, NULL,
                status);
  if (TF_GetCode(status) != TF_OK) {
    printf("%s\t%d\t", name, TF_GetCode(status));
    for (const char* letter = TF_Message(status); *letter != 0; ++letter)
      putchar(*letter < ' ' ? ' ' : *letter);
    putchar('\n');
  }
  for (int i = 0; i < 3; ++i) TF_DeleteTensor(values[i]);
  TF_DeleteStatus(status);
  return answer;
}

static int write_image(const char* path, TF_Tensor* answer) {
  TF_TString* value = (TF_TString*)TF_TensorData(answer);
  FILE* file = fopen(path, "wb");
  if (file == NULL) return 1;
  fwrite(TF_TString_GetDataPointer(value), 1, TF_TString_GetSize(value), file);
  TF_TString_Dealloc(value);
  TF_DeleteTensor(answer);
  return fclose(file);
}

int main(int argc, char** argv) {
  static char photo[1 << 22];
  float points[2 * COUNT];
  if (argc != 6) return 64;
  for (int i = 0; i < 2 * COUNT; ++i) {
    if (scanf("%f", &points[i]) != 1) return 65;
  }
  FILE* file = fopen(argv[4], "rb");
  if (file == NULL) return 66;
  const size_t length = fread(photo, 1, sizeof photo, file);
  fclose(file);

  TF_Status* status = TF_NewStatus();
  TF_Graph* graph = TF_NewGraph();
  TF_SessionOptions* options = TF_NewSessionOptions();
  const char* tags[1] = {"serve"};
  Model model;
  model.session = TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, NULL, status);
  if (TF_GetCode(status) != TF_OK) {
    fprintf(stderr, "%s\n", TF_Message(status));
    return 1;
  }
  const char* fields[3] = {"source_bytes", "source_keypoints", "target_keypoints"};
  for (int i = 0; i < 3; ++i) {
    char name[64];
    snprintf(name, sizeof name, "serving_default_%s", fields[i]);
    model.inputs[i].oper = TF_GraphOperationByName(graph, name);
    model.inputs[i].index = 0;
    if (model.inputs[i].oper == NULL) return 2;
  }
  model.output.oper = TF_GraphOperationByName(graph, argv[2]);
  model.output.index = atoi(argv[3]);
  if (model.output.oper == NULL) return 2;

  const int64_t right[3] = {1, 18, 2}, fewer[3] = {1, 17, 2}, flat[2] = {18, 2};
  const float* target = points + COUNT;
  TF_Tensor* answer;
  for (int round = 0; round < 2; ++round) {
    answer = run(&model, "a good request", string(photo, length), floats(points, right, 3),
                 floats(target, right, 3));
    if (answer == NULL || write_image(argv[5], answer) != 0) return 3;
    if (round > 0) break;
    run(&model, "text", string("plain text", 10), floats(points, right, 3), floats(target, right, 3));
    run(&model, "half a photo", string(photo, length / 2), floats(points, right, 3),
        floats(target, right, 3));
    run(&model, "17 keypoints", string(photo, length), floats(points, fewer, 3), floats(target, right, 3));
    run(&model, "rank 2", string(photo, length), floats(points, right, 3), floats(target, flat, 2));
    run(&model, "another dtype", floats(points, right, 3), floats(points, right, 3),
        floats(target, right, 3));
  }
  puts("done");
  TF_CloseSession(model.session, status);
  TF_DeleteSession(model.session, status);
  TF_DeleteSessionOptions(options);
  TF_DeleteGraph(graph);
  TF_DeleteStatus(status);
  return 0;
}
